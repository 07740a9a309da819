// The frame of the report's page: style, headings, a list of the sections. Nothing is loaded from outside.
#pragma once

#include <string>

#include "train/markup.h"

std::string base64(const std::string& bytes);
std::string section(const std::string& id, const std::string& title, const std::string& html);
/// The whole page around its sections, with links to them.
std::string page(const std::string& title, const std::string& sections);
