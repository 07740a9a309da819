// Networks for images. Only a list; ember.h does not include it.
#pragma once

#include <ember/models/cifar_resnet.h>
#include <ember/models/lenet.h>
#include <ember/models/mobilenet.h>
#include <ember/models/registry.h>
#include <ember/models/resnet.h>
#include <ember/models/vgg.h>
