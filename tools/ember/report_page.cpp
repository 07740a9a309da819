// HTML around the contents of a report.
#include "report_page.h"

#include <fmt/format.h>

namespace {

constexpr const char* kStyle = R"css(
:root{color-scheme:light dark;--paper:#fff;--ink:#1f2933;--soft:#5f6b76;--line:#dde2e7;--good:0,135,95;--bad:213,94,0}
@media (prefers-color-scheme:dark){:root{--paper:#12161b;--ink:#dfe5ea;--soft:#9aa5b0;--line:#2c343c;--good:53,207,162;--bad:255,147,87}}
@media print{:root{--paper:#fff;--ink:#1f2933;--soft:#5f6b76;--line:#dde2e7;--good:0,135,95;--bad:213,94,0}nav{display:none}}
body{margin:0 auto;max-width:1180px;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif}
h1{font-size:1.6rem}h2{font-size:1.25rem;border-bottom:1px solid var(--line);padding-bottom:.2rem;margin-top:2.2rem}h3{font-size:1.05rem}
nav a{margin-right:1rem;color:inherit}
.plots{display:flex;flex-wrap:wrap;gap:.5rem}figure{margin:0;max-width:100%}.plots svg{max-width:100%;height:auto}
.wide{overflow-x:auto}table{border-collapse:collapse}th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid var(--line)}
th[scope=row],td:nth-child(n+2) code{text-align:left}#doctor td{text-align:left;vertical-align:top}#doctor tr.note{color:var(--soft)}
.confusion td{min-width:2.2rem;text-align:center;font-variant-numeric:tabular-nums}
.confusion td.right{background:rgba(var(--good),calc(var(--share)*.55))}.confusion td.wrong{background:rgba(var(--bad),calc(var(--share)*1.6))}
.mistakes{display:flex;flex-wrap:wrap;gap:.6rem}.mistakes img{width:64px;height:64px;image-rendering:pixelated;border:1px solid var(--line)}
.mistakes figcaption{font-size:.8rem;text-align:center}pre{font-size:.8rem;line-height:1.35}
)css";

}  // namespace

std::string base64(const std::string& bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[three >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string section(const std::string& id, const std::string& title, const std::string& html) {
  return fmt::format("<section id=\"{}\" aria-label=\"{}\">\n<h2>{}</h2>\n{}\n</section>\n", id, title, title, html);
}

std::string page(const std::string& title, const std::string& sections) {
  std::string links;
  const std::string id_mark = "<section id=\"", label_mark = "\" aria-label=\"";
  for (std::size_t at = 0; (at = sections.find(id_mark, at)) != std::string::npos;) {
    at += id_mark.size();
    const std::string id = sections.substr(at, sections.find('"', at) - at);
    const std::size_t label = sections.find(label_mark, at) + label_mark.size();
    links += fmt::format("<a href=\"#{}\">{}</a>", id, sections.substr(label, sections.find('"', label) - label));
  }
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>{0}</title><style>{1}</style></head>\n<body>\n<h1>{0}</h1>\n<nav "
      "aria-label=\"sections\">{2}</nav>\n<main>\n{3}</main>\n</body></html>\n",
      ember::escaped(title), kStyle, links, sections);
}
