"""Calls of every public function and method with an undefined tensor: usage undefined.py INCLUDE_DIRECTORY >program.cpp.

Read from the headers, so that no function is forgotten: each parameter that is a tensor, an operand or a list of tensors is undefined once, and
each method is called on an undefined tensor. Only an OptionalTensor may be undefined. The program prints what went wrong, and a count.
"""
import glob
import re
import sys

HEADERS = ["ops/*.h", "factories.h", "random.h", "autograd.h"]
TENSOR, OPERAND, LIST = "const Tensor&", "const Operand&", "const std::vector<Tensor>&"
VALUES = {  # an argument of each type; that the tensor is undefined is found before it matters
    TENSOR: "x", "const OptionalTensor&": "Tensor()", OPERAND: "Operand(x)", LIST: "std::vector<Tensor>{x}", "Scalar": "1", "double": "0.5",
    "int64_t": "1", "bool": "false", "IntArrayRef": "IntArrayRef({1})", "const Dims&": "Dims(0)", "DType": "kFloat32", "MemoryFormat": "MemoryFormat::Preserve",
    "const char*": '"mean"', "const std::string&": '"ij->ji"', "const std::vector<TensorIndex>&": "std::vector<TensorIndex>{0}",
    "ScatterReduce": "ScatterReduce::Add", "Rounding": "Rounding::None", "Generator*": "nullptr", "PadMode": "PadMode::Constant",
    "const ConvNorm&": "ConvNorm{x, x}", "const InterpolateOptions&": "InterpolateOptions{.size = {1}}", "TensorHook": "[](const Tensor& g) { return g; }",
    "int": "0", "UnfoldOptions": "UnfoldOptions{}", "ConvOptions<2>": "ConvOptions<2>{}",
}
UNDEFINED = {TENSOR: "u", OPERAND: "Operand(u)", LIST: "std::vector<Tensor>{u}"}
# What has an answer for an undefined tensor (it is printed as "undefined"), or is the library's own.
METHODS_THAT_ANSWER = {"defined", "is_same", "data_or_null", "impl", "release", "bump_version", "checked", "write", "if", "exchange"}
NOT_CALLED = {"to_string", "print", "set_rng_state", "needs_grad", "record", "will_record", "assign_inplace", "check_inplace", "apply_inplace", "become_view", "attach_view",
              "mark_one_of_many", "attach", "record_node"}
# What the text calls it where that is another name: operators, and methods that are another one in a word.
SPOKEN = {"operator+=": "add", "operator-=": "sub", "operator*=": "mul", "operator/=": "div", "operator+": "add", "operator-": "sub|neg",
          "operator*": "mul", "operator/": "div", "operator%": "remainder", "operator==": "eq", "operator!=": "ne", "operator<=": "le",
          "operator>=": "ge", "operator<": "lt", "operator>": "gt", "operator!": "logical_not", "operator~": "bitwise_not",
          "operator<<=": "left_shift", "operator>>=": "right_shift", "operator<<": "left_shift", "operator>>": "right_shift", "operator&": "bitwise_and",
          "operator|": "bitwise_or", "operator^": "bitwise_xor", "operator&=": "bitwise_and", "operator|=": "bitwise_or",
          "operator^=": "bitwise_xor", "operator[]": "select|index", "data_ptr": "data", "view_as": "view|sizes", "expand_as": "expand|sizes", "mT": "transpose",
          "clip": "clamp", "absolute": "abs", "negative": "neg", "fix": "trunc", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
          "arccosh": "acosh", "arctanh": "atanh", "multiply": "mul", "subtract": "sub", "divide": "div", "greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le",
          "not_equal": "ne", "ravel": "contiguous|reshape", "reshape_as": "reshape|sizes", "swapaxes": "transpose", "swapdims": "transpose", "moveaxis": "movedim", "split_with_sizes": "split"}
GRADIENTS = {"grad": 2, "backward": 1}  # lists of autograd in which an undefined tensor stands for ones
# The template arguments of methods that have one.
TEMPLATES = {"data": "<float>", "item": "<float>", "accessor": "<float, 1>", "to_vector": "<float>", "data_ptr": "<float>"}


def close(text, at):
    """The position behind the parenthesis that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        depth += text[i] == "("
        depth -= text[i] == ")"
        if depth == 0:
            return i + 1
    raise ValueError(text[at:at + 80])


def parameters(text):
    """(type, has a default) of each parameter."""
    parts, depth, part = [], 0, ""
    for c in text:
        depth += c in "<({"
        depth -= c in ">)}"
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    if part.strip():
        parts.append(part)
    result = []
    for p in parts:
        declared = re.sub(r"\s+", " ", p.split("=")[0]).strip()
        found = re.match(r"(.*[&*>\s])\w+$", declared)
        result.append((found.group(1).strip() if found else declared, "=" in p))
    return result


def value(kind):
    array = re.match(r"ExpandingArray<\d>$", kind)
    return "1" if array else VALUES.get(kind, "{}")


def calls(name, kinds, written):
    """One call for each tensor parameter: `written` makes it from the arguments."""
    for at, (kind, _) in enumerate(kinds):
        if kind not in UNDEFINED or (kind == LIST and GRADIENTS.get(name) == at):
            continue
        last = max([i for i, (_, has_default) in enumerate(kinds) if not has_default] + [at])
        arguments = [UNDEFINED[kind] if i == at else value(k) for i, (k, _) in enumerate(kinds[:last + 1])]
        yield name, written(", ".join(arguments))


def strip(text):
    text = re.sub(r" *//[^\n]*", "", text)
    return re.sub(r"^template[^\n]*\n( +requires[^\n]*\n)?[^{;]*\{.*?^\};?\n", "", text, flags=re.M | re.S)  # forms of others


def functions(root):
    for pattern in HEADERS:
        for path in sorted(glob.glob(f"{root}/ember/{pattern}")):
            text, space = strip(open(path).read()), ""
            for found in re.finditer(r"^namespace (\w*) ?\{|^\}$|^(?:inline )?(?:const )?[\w:<>]+[&*]? (operator\S+|\w+)\(", text, re.M):
                if found.group(0).startswith("namespace"):
                    space = "" if found.group(1) == "ember" else found.group(1) + "::"
                elif found.group(0) == "}":
                    space = ""
                elif found.group(2) not in NOT_CALLED and space != "detail::":
                    end = close(text, found.end() - 1)
                    kinds = parameters(text[found.end():end - 1])
                    name = found.group(2)
                    yield from calls(name, kinds, lambda a, n="ember::" + space + name: f"{n}({a})")


def methods(root):
    text, more = (strip(open(f"{root}/ember/{name}").read()) for name in ("tensor.h", "tensor_methods.h"))
    body = text[text.index("class Tensor : "):text.index("explicit Tensor(TensorImpl* impl)")] + more[more.index("class TensorMethods {"):]
    body = re.sub(r"template <[^\n]*\n( +requires[^\n]*\n)? +(Tensor (?:view|reshape|expand|permute|repeat)\(|[^\n]*operator)", "TEMPLATE (", body)
    for found in re.finditer(r"(?<![\w:.>])(operator\S+?|\w+)\(", body):
        name, end = found.group(1), close(body, found.end() - 1)
        if not re.match(r"\s*const\b(?! = delete)", body[end:]) or name in METHODS_THAT_ANSWER or name.startswith("operator=") or name == "operator":
            continue
        kinds = parameters(body[found.end():end - 1])
        needed = ", ".join(value(k) for k, has_default in kinds if not has_default)
        full = name + TEMPLATES.get(name, "") if not kinds else name
        yield name, f"u.{full}({needed})"
        yield from calls(name, kinds, lambda a, n=full: f"x.{n}({a})")


def main():
    seen, lines = set(), []
    for name, call in list(functions(sys.argv[1])) + list(methods(sys.argv[1])):
        if call in seen:
            continue
        seen.add(call)
        plain = name.rstrip("_")
        spoken = SPOKEN.get(name, SPOKEN.get(plain, plain))
        quoted = call.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  expect("{spoken}", "{quoted}", [&] {{ (void)({call}); }});')
    print("""#include <ember/ember.h>

#include <cstdio>
#include <string>
#include <typeinfo>

using namespace ember;

static int passed = 0, failed = 0;

/// Does the text name one of these operations ("add" or "view|sizes")?
static bool names_one(const std::string& text, std::string operations) {
  const std::string first_line = text.substr(0, text.find('\\n'));
  while (true) {
    const std::size_t end = operations.find('|');
    if (first_line.find(operations.substr(0, end)) != std::string::npos) return true;
    if (end == std::string::npos) return false;
    operations.erase(0, end + 1);
  }
}

template <class Program>
static void expect(const char* operations, const char* call, Program program) {
  try {
    program();
    std::printf("FAILED  %s: nothing was thrown\\n", call);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    if (typeid(error) == typeid(RuntimeError) && text.find("undefined Tensor") != std::string::npos && names_one(text, operations)) {
      ++passed;
      return;
    }
    std::printf("FAILED  %s: %s\\n", call, text.substr(0, text.find('\\n')).c_str());
  }
  ++failed;
}

int main() {
  const Tensor u, x = ones({2, 2});
""")
    print("\n".join(lines))
    print('  std::printf("%d passed, %d failed, 0 skipped\\n", passed, failed);\n  return failed != 0;\n}')


main()
