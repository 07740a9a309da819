// Tables: the API around the reader. How odd files are read is compared with pandas by tests/integration/tables.sh.
#include <ember/ember.h>

#include <sstream>

#include "support/catch.h"
#include "support/close.h"
#include "support/folder.h"

using namespace ember;

namespace {

struct File {
  Folder folder;
  std::string path;
  explicit File(const std::string& text) : path(folder / "t.csv") { write_bytes(path, text); }
};

template <class T>
std::vector<T> numbers(const Tensor& t) {
  return {t.data<T>(), t.data<T>() + t.numel()};
}

const char* const kPeople =
    "name,age,city,income,label\n"
    "Ada,36,London,5.5,yes\n"
    "Alan,,Manchester,4,no\n"
    "Grace,85,NA,?,yes\n"
    "Kurt,71,Vienna,2.5,no\n";

}  // namespace

TEST_CASE("tables: columns, words, target") {
  const File file(kPeople);
  const data::Table t = data::read_table(file.path, {.columns = {"age", "city", "income", -1}, .target = "label", .missing = data::Missing::NaN});
  CHECK(t.rows() == 4);
  CHECK(t.columns().size() == 4);
  CHECK(t.column("city").kind == data::Kind::Text);
  CHECK(t.column("city").classes == std::vector<std::string>{"London", "Manchester", "Vienna"});
  CHECK(t.column(0).missing == 1);
  CHECK_THAT(t.features(), is_close({{36., 0., 5.5}, {NAN, 1., 4.}, {85., NAN, NAN}, {71., 2., 2.5}}));
  CHECK(t.target().equal(tensor({1, 0, 1, 0})));
  CHECK(t.classes() == std::vector<std::string>{"no", "yes"});
  CHECK(t.word(0, "city") == "London");
  CHECK(t.word(2, "city").empty());
  CHECK_THROWS_WITH(t.column("town"), equals("Table: no column \"town\": there are age, city, income, label"));
  CHECK_THROWS_AS(t.column(4), ValueError);
  CHECK_THROWS_AS(t.word(0, "age"), ValueError);
  CHECK_THROWS_WITH(data::read_table(file.path).target(), contains("line 3, column 2 (age): a missing value"));
  CHECK_THROWS_AS(data::read_table(file.path, {.missing = data::Missing::NaN}).target(), ValueError);
}

TEST_CASE("tables: policies for missing cells") {
  const File file("a,b,c\n1,x,1\n,y,2\n3,x,\n8,,5\n");
  const auto read = [&](data::Missing missing) { return data::read_table(file.path, {.missing = missing}); };
  CHECK_THAT(read(data::Missing::Mean).cells(), is_close({{1., 0., 1.}, {4., 1., 2.}, {3., 0., 8 / 3.}, {8., 0., 5.}}));
  CHECK_THAT(read(data::Missing::Median).cells(), is_close({{1., 0., 1.}, {3., 1., 2.}, {3., 0., 2.}, {8., 0., 5.}}));
  CHECK_THAT(read(data::Missing::Drop).cells(), is_close({{1., 0., 1.}}));
  CHECK(read(data::Missing::Mean).column("a").missing == 1);
  const File empty_column("a,b\n1,\n2,\n");
  CHECK_THROWS_WITH(data::read_table(empty_column.path, {.missing = data::Missing::Mean}), contains("all cells of column \"b\" are missing"));
}

TEST_CASE("tables: the encoder learns from the part for training alone") {
  const File file("x,city,y\n1,Rome,0.5\n3,Oslo,1.5\n,Rome,2.5\n100,Oslo,3.5\n200,,4.5\n");
  const data::Table all = data::read_table(file.path, {.target = "y", .missing = data::Missing::NaN});
  const data::Table train = all.select({0, 1, 2}), rest = all.select({3, 4});
  CHECK(train.column("x").missing == 1);
  const data::TableEncoder encode(train, {.missing = data::Missing::Mean, .standardize = true});
  CHECK(encode.names() == std::vector<std::string>{"x", "city=Oslo", "city=Rome"});
  const double deviation = std::sqrt(2 / 3.);  // of 1, 3 and the mean 2
  CHECK_THAT(encode.features(train), is_close({{-1 / deviation, 0., 1.}, {1 / deviation, 1., 0.}, {0., 0., 1.}}));
  CHECK_THAT(encode.features(rest), is_close({{98 / deviation, 1., 0.}, {198 / deviation, 0., 1.}}));
  const data::TensorDataset set = encode(rest);
  CHECK_THAT(set.tensors()[1], is_close({3.5, 4.5}));
  CHECK_THAT(data::TableEncoder(train, {.missing = data::Missing::Median, .text = data::Text::Codes}).features(train),
             is_close({{1., 1.}, {3., 0.}, {2., 1.}}));
  CHECK_THROWS_WITH(data::TableEncoder(train).features(train), contains("row 2, column 1 (x) is missing"));
  const File other("x,city,y\n1,Paris,0.5\n");
  CHECK_THROWS_WITH(encode.features(data::read_table(other.path, {.target = "y"})),
                    equals("TableEncoder: row 0, column 2 (city): the word \"Paris\" did not occur in the table it was fitted on"));
  const File renamed("x,town,y\n1,Rome,0.5\n");
  CHECK_THROWS_WITH(encode.features(data::read_table(renamed.path, {.target = "y"})), contains("expected column 2 to be \"city\""));
  CHECK_THROWS_AS(encode.features(data::read_table(other.path, {.columns = {"x"}})), ValueError);
  CHECK_THROWS_AS(data::TableEncoder(train, {.missing = data::Missing::Drop}), ValueError);
}

TEST_CASE("tables: parts are drawn as random_split draws") {
  const File file("a\n0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
  const data::Table t = data::read_table(file.path);
  manual_seed(1);
  const auto [first, second] = t.split(0.7);
  manual_seed(1);
  const auto parts = data::random_split(data::TensorDataset(arange(10)), {7, 3});
  CHECK(numbers<int64_t>(first.values("a").to(kInt64)) == parts[0].indices());
  CHECK(numbers<int64_t>(second.values("a").to(kInt64)) == parts[1].indices());
  CHECK_THROWS_AS(t.split(1.5), ValueError);
  CHECK_THROWS_AS(t.select({10}), IndexError);
}

TEST_CASE("tables: a head to look at") {
  const File file(kPeople);
  std::ostringstream out;
  out << data::read_table(file.path, {.columns = {"name", "age", "income"}, .target = "income", .missing = data::Missing::NaN});
  CHECK(out.str() ==
        "name                 age            income*\n"
        "text   number, 1 missing  number, 1 missing\n"
        "Ada                   36                5.5\n"
        "Alan                   -                  4\n"
        "Grace                 85                  -\n"
        "Kurt                  71                2.5\n"
        "4 rows, 3 columns\n");
  CHECK(data::read_table(file.path, {.columns = {"name"}}).head(1) == "name\ntext\nAda\n...\n4 rows, 1 columns\n");
}

TEST_CASE("tables: the same bits for any number of threads, and from many pieces") {
  std::string text = "n,x,w\n";
  for (int i = 0; i < 120000; ++i)
    text += std::to_string(i) + "," + std::to_string(i * 0.37 - 5) + "," + (i % 7 == 3 ? "" : std::string(1, char('a' + i % 5))) + "\r\n";
  const File file(text);
  const int before = get_num_threads();
  std::vector<data::Table> tables;
  for (int threads : {1, 2, 5}) {
    set_num_threads(threads);
    tables.push_back(data::read_table(file.path, {.missing = data::Missing::NaN}));
  }
  set_num_threads(before);
  CHECK(tables[0].rows() == 120000);
  CHECK(tables[0].values("n").equal(arange(120000).to(kFloat64)));
  CHECK(tables[0].column("w").classes.size() == 5);
  for (int k : {1, 2}) CHECK(tables[0].cells().nan_to_num(-1).equal(tables[std::size_t(k)].cells().nan_to_num(-1)));
  text.insert(text.size() / 2, "1,2,\"");
  write_bytes(file.path, text);
  CHECK_THROWS_WITH(data::read_table(file.path, {.missing = data::Missing::NaN}), contains("is never closed"));
  text = "a,b\n";
  for (int i = 0; i < 300000; ++i) text += i == 250000 ? "1,2,3\n" : i == 280000 ? "x\n" : "1,2.5\n";
  write_bytes(file.path, text);
  CHECK_THROWS_WITH(data::read_table(file.path), contains("line 250002, column 3: expected 2 columns as in the first row, got 3"));
}

TEST_CASE("tables: read_csv of plain numbers") {
  const auto read = [](const std::string& text, data::CsvOptions options = {}) {
    const File file(text);
    return data::read_csv(file.path, options);
  };
  CHECK(read("1,2\n3,4\n").equal(tensor({{1., 2.}, {3., 4.}})));
  CHECK(read("\xef\xbb\xbf\"1\",\"2\",\r\n3 , 4,\r\n").equal(tensor({{1., 2.}, {3., 4.}})));
  CHECK(read("").sizes() == IntArrayRef{0, 0});
  CHECK(read("a;b\n1;2\n", {.delimiter = ';', .skip_rows = 1, .dtype = kInt64}).equal(tensor({{1, 2}})));
  CHECK(read("0.1\n", {.dtype = kFloat64}).item<double>() == 0.1);
  CHECK_THROWS_WITH(read("1,2\n3,x\n"), contains("line 2, column 2: expected a number, got \"x\""));
  CHECK_THROWS_WITH(read("a,b\n1,2\n"), contains("line 1, column 1: expected a number, got \"a\" (a header? .skip_rows = 1, or data::read_table)"));
  CHECK_THROWS_WITH(read("1,\n3,4\n"), contains("line 1, column 2: a missing value"));
  CHECK_THROWS_WITH(read("1\n1.5\n", {.dtype = kInt64}),
                    contains("line 2, column 1: expected a whole number from -9007199254740992 to 9007199254740992, got \"1.5\""));
  CHECK_THROWS_WITH(read("1\n300\n", {.dtype = kUInt8}), contains("line 2, column 1: expected a whole number from 0 to 255, got \"300\""));
  CHECK_THROWS_WITH(read("-1,5\n", {.dtype = kUInt8}), contains("line 1, column 1"));
  CHECK_THROWS_WITH(read("2\n", {.dtype = kBool}), contains("from 0 to 1"));
  CHECK_THROWS_WITH(read("nan\n", {.dtype = kInt64}), contains("line 1, column 1"));
  CHECK_THROWS_WITH(data::read_csv("/nowhere/t.csv"), equals("cannot read /nowhere/t.csv: No such file or directory"));
}

TEST_CASE("tables: numbers are those that strtod gives") {
  std::string text;
  std::vector<double> want;
  Generator g(3);
  for (int i = 0; i < 20000; ++i) {
    const double v = g.normal() * std::pow(10, double(g.random() % 40) - 20);
    char buffer[64];
    const char* const formats[] = {"%.17g", "%.6f", "%.3f", "%.12e", "%.0f"};
    std::snprintf(buffer, sizeof buffer, formats[i % 5], v);
    text += std::string(buffer) + "\n";
    want.push_back(std::strtod(buffer, nullptr));
  }
  const File file(text);
  CHECK(numbers<double>(data::read_csv(file.path, {.dtype = kFloat64})) == want);
}
