"""Writes the odd tables of this folder and expected.json: what pandas reads from them, or where they must be refused.

usage: python3 tests/data/tables/make.py       needs pandas; the tests need only the files
"""
import gzip
import json
import math
import os

import pandas

HERE = os.path.dirname(os.path.abspath(__file__))
MISSING = ["", "?", "NA", "N/A", "n/a", "NaN", "nan", "-NaN", "-nan", "NULL", "null", "None", "<NA>", "#N/A", "#NA", "#N/A N/A", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"]
cases = []


def read(name, content, flags=(), **pandas_options):
    """A file that reads as pandas does with these options."""
    cases.append((name, content, list(flags), pandas_options, None))


def refuse(name, content, where, text, flags=()):
    """A file that is refused at `where`, with `text` in the message."""
    cases.append((name, content, list(flags), None, (where, text)))


IRIS = "5.1,3.5,setosa\n4.9,3.0,virginica\n"
# --- headers
read("header", "a,b\n1,2\n3,4\n")
read("no_header_numbers", "1,2\n3,4\n", header=None)
read("no_header_label", IRIS, header=None)
read("header_above_label", "length,width,kind\n" + IRIS)
read("header_of_words_only", "name,city\nAda,London\nAlan,Manchester\n")
read("header_with_years", "country,2019,2020\nIT,1,2\nFR,3,4\n", ["--header", "first"])
read("header_word_above_number", "x,2019,2020\n1,2,3\n4,5,6\n")
read("header_none_on_words", "Ada,London\nAlan,Manchester\n", ["--header", "none"], header=None)
read("header_only", "a,b,c\n")
read("header_twice_the_same", "a,a,b,a\n1,2,3,4\n")
read("header_twice_and_numbered", "a,a,a.1,a\n1,2,3,4\n")
read("header_with_blank_name", ",a\n0,5\n1,6\n")
read("header_quoted", '"a,1","b ""x"""\n1,2\n')
read("header_utf8", "größe,名前\n1.5,ä\n2.5,ö\n")
read("one_column", "a\n1\n2\n3\n")
read("one_cell", "1\n", header=None)
# --- ends of lines
read("crlf", "a,b\r\n1,2\r\n3,4\r\n")
read("cr", "a,b\r1,2\r3,4\r")
read("no_end_of_line", "a,b\n1,2\n3,4")
read("crlf_no_end_of_line", "a,b\r\n1,2\r\n3,4")
read("blank_lines", "\na,b\n\n1,2\n\n\n3,4\n\n")
read("blank_lines_with_blanks", "a,b\n   \n1,2\n")
# --- bytes
read("bom", b"\xef\xbb\xbf1,2\n3,4\n", header=None)
read("bom_header", b"\xef\xbb\xbfa,b\n1,2\n")
read("bom_quoted", b'\xef\xbb\xbf"a","b"\r\n"1","2"\r\n')
read("gzipped", gzip.compress(b"a,b\n1,2\n3,4\n", mtime=0))
refuse("latin1", "a,b\n1,caf\xe9\n".encode("latin1"), "line 2, column 2 (b)", "no UTF-8: the byte 0xe9")
refuse("latin1_header", "gr\xf6sse,b\n1,2\n".encode("latin1"), "line 1, column 1", "no UTF-8")
refuse("utf16", "a,b\n1,2\n".encode("utf-16"), "line 1, column 1", "UTF-16")
refuse("utf16_without_mark", "a,b\n1,2\n".encode("utf-16-be"), "line 1, column 1", "UTF-16")
refuse("surrogate", b"a,b\n\xed\xa0\x80,1\n", "line 2, column 1 (a)", "no UTF-8: the byte 0xed")
refuse("character_too_long", b"a,b\n\xe0\x80\x80,1\n", "line 2, column 1 (a)", "no UTF-8: the byte 0xe0")
refuse("spreadsheet", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00b\xee\x9dh", "line 1, column 1", "a zip archive")
refuse("zero_byte", b"a,b\n1,2\x003\n", "line 2, column 2 (b)", "a zero byte")
refuse("empty", "", "line 1, column 1", "an empty file")
refuse("only_blank_lines", "\n\n\n", "line 1, column 1", "an empty file")
# --- separators
read("semicolon", "a;b\n1;2\n3;4\n", sep=";")
read("tab", "a\tb\n1\t2\n3\tx y\n", sep="\t")
read("pipe", "a|b\n1|2\n", sep="|")
read("blanks", "a b   c\n 1  2 3\n4 5    6  \n", ["--delimiter", " "], sep=r"\s+")
read("colon", "a:b\n1:2\n", ["--delimiter", ":"], sep=":")
read("decimal_comma", "a;b\n1,5;2\n-0,25;3\n", ["--decimal", ","], sep=";", decimal=",")
read("decimal_comma_no_header", "1,5;2,5\n3,5;4,5\n", ["--decimal", ","], sep=";", decimal=",", header=None)
read("trailing_separator", "a,b\n1,2,\n3,4,\n", index_col=False)
read("trailing_separator_everywhere", "1,2,\n3,4,\n", header=None, usecols=[0, 1])
read("trailing_separator_in_header", "a,b,\n1,2,\n3,4,\n", usecols=["a", "b"])
read("last_cell_missing", "a,b\n1,\n3,4\n")
read("blanks_around_numbers", "a,b\n 1 , 2\n3 ,  4.5  \n")
# --- quotes
read("quoted_numbers", '"1","2"\n"3","4"\n', header=None)
read("quoted_separator", 'a,b\n"x, y",1\nz,2\n')
read("quoted_line_break", 'a,b\n"x\ny",1\nz,2\n')
read("quoted_crlf", 'a,b\r\n"x\r\ny",1\r\nz,2\r\n')
read("quoted_quote", 'a,b\n"say ""hi""",1\n"""",2\n')
read("quote_inside", 'a,b\n5" disk,1\nx,2\n')
read("other_quote", "a,b\n'x,y',1\nz,2\n", ["--quote", "'"], quotechar="'")
read("quoted_blank", 'a,b\n" x ",1\nz,2\n')
read("quoted_missing", 'a,b\n"",1\n"NA",2\n5,3\n')
read("blank_behind_quote", 'a,b\n"x" ,1\n"y",2\n')
read("blank_before_quote", 'a,b\n "x",1\ny,2\n')
read("comment_inside_quotes", 'a,b\n"x#y",1\nz,2#c\n', ["--comment", "#"], comment="#")
refuse("quote_open", 'a,b\n1,2\n3,"x\n5,6\n', "line 3, column 2 (b)", "never closed")
refuse("behind_quote", 'a,b\n"x"y,2\n', "line 2, column 1 (a)", "behind the closing quote")
# --- comments and lines before
read("comments", "# made by hand\na,b\n1,2 # first\n# between\n3,4\n", ["--comment", "#"], comment="#")
read("skip_rows", "Table 1\nof 2020\na,b\n1,2\n", ["--skip-rows", "2"], skiprows=2)
# --- missing
read("missing_number", "a,b\n1,\nNA,3\n?,4\n")
read("missing_marks", "1,\n3,?\n", header=None)
read("missing_words", "a,b\nx,1\n,2\nNaN,3\ny,4\n")
read("missing_all", "a,b\n,1\nNA,2\n")
read("missing_own_words", "a,b\n-999,1\n2,missing\n", ["--missing-values", "-999,missing"], na_values=["-999", "missing"], keep_default_na=False)
read("missing_mean", "a,b\n1,x\n,y\n4,x\n", ["--missing", "mean"], fill="mean")
read("missing_median", "a,b\n1,5\n,6\n4,\n100,8\n", ["--missing", "median"], fill="median")
read("missing_drop", "a,b\n1,x\n,y\n4,\n5,x\n", ["--missing", "drop"], fill="drop")
refuse("missing_error", "a,b\n1,2\n3,?\n", "line 3, column 2 (b)", "a missing value", ["--missing", "error"])
# --- numbers
read("forms_of_numbers", "a\n1e5\n-.5\n5.\n+7\n1E-3\n0.1\n123456789.125\n")
read("long_numbers", "a,b\n0.1234567890123456789,123456789012\n3.141592653589793238462643,-7\n1e100,2\n")
read("infinities", "a,b\ninf,1\n-inf,2\n3,4\n")
read("whole_and_fraction", "a,b\n1,1.0\n2,2.0\n")
read("leading_zeros", "zip\n00501\n90210\n")
read("zip_as_text", "zip,n\n00501,1\n90210,2\n", ["--text", "zip"], dtype={"zip": str})
read("word_among_numbers", "a\n1\n2\nx\n3\n")
read("percent", "a\n5%\n7%\n")
read("columns_by_name", "a,b,c\n1,2,3\n4,5,6\n", ["--columns", "c,a"], usecols=["a", "c"], order=["c", "a"])
read("columns_by_number", "a,b,c\n1,x,3\n4,y,6\n", ["--columns", "0,-1"], usecols=[0, 2])
read("many_rows", "x,y,w\n" + "".join(f"{i},{i * i / 7:.6f},{'abc'[i % 3]}\n" for i in range(2000)))
refuse("whole_refuses_fraction", "a,b\n1,2\n2,1.5\n", "line 3, column 2 (b)", 'expected a whole number, got "1.5"', ["--whole", "b"])
refuse("numbers_refuse_words", "a,b\n1,2\n2,x\n", "line 3, column 2 (b)", 'expected a number, got "x"', ["--numbers", "b"])
read("nan_of_other_forms", "a,b\nNAN,1\nnan(12),2\n+nan,3\n")
read("infinity_in_full", "a\nInfinity\n-INF\n+inf\n1\n")
read("bytes_of_hex", "a\n0x10\n2\n")
read("thousands_are_words", 'a,b\n"1,234",1\n"5",2\n')
read("signs_twice", "a,b,c\n+-5,--5,5-\n1,1,1\n")
read("points_alone", "a,b,c,d\n.,1.2.3,1.e5,.e5\n1,1,1,1\n")
read("too_large", "a\n1e400\n-1e400\n1e-400\n5e-324\n")
read("missing_number_of_other_form", "a,b\n-9,1\n2,-9.0\n", ["--missing-values", "-9"], na_values=["-9"], keep_default_na=False)
read("missing_number_among_words", "a,b\n-9,1\n-9.0,2\nx,3\n", ["--missing-values", "-9"], na_values=["-9"], keep_default_na=False)
# --- rows of other lengths
refuse("long_row", "a,b\n1,2\n3,4,5\n", "line 3, column 3", "expected 2 columns as in the first row, got 3")
refuse("short_row", "a,b,c\n1,2,3\n3,4\n", "line 3, column 3 (c)", "expected 3 columns as in the first row, got 2")
refuse("long_row_behind_quoted_break", 'a,b\n"x\ny",2\n3,4,5\n', "line 4, column 3", "expected 2 columns")
refuse("no_such_column", "a,b\n1,2\n", "no column \"z\"", "there are a, b", ["--columns", "z"])


def column(name, values):
    there = values.dropna()
    if len(there) and not all(isinstance(v, (int, float)) for v in there.tolist()):
        return {"name": name, "kind": "text", "missing": int(values.isna().sum()), "mean": None, "std": None, "min": None, "max": None,
                "classes": sorted({str(v) for v in there}, key=lambda s: s.encode())}
    number = lambda v: float(v) if len(there) and math.isfinite(v) else None
    whole = len(there) > 0 and values.dtype == "int64"
    return {"name": name, "kind": "whole" if whole else "number", "missing": int(values.isna().sum()), "mean": number(there.mean()), "std": number(there.std()),
            "min": number(there.min()), "max": number(there.max()), "classes": []}


def expected(path, flags, options):
    options = dict(options)
    fill, order = options.pop("fill", None), options.pop("order", None)
    if path.endswith("gzipped.csv"):
        options["compression"] = "gzip"
    options.setdefault("na_values", MISSING)
    frame = pandas.read_csv(path, **options)
    frame = frame[order] if order else frame
    missing = frame.isna().sum()
    if fill == "drop":
        frame = frame.dropna()
    elif fill:
        for name in frame:
            known = frame[name].dropna()
            words = not pandas.api.types.is_numeric_dtype(known)
            frame[name] = frame[name].fillna(known.mode()[0] if words else getattr(known, fill)())
    names = range(frame.shape[1]) if options.get("header", 0) is None else frame.columns
    columns = [column(str(name), frame[key]) for name, key in zip(names, frame.columns)]
    for c, count in zip(columns, missing):
        c["missing"] = int(count)
    return {"rows": len(frame), "columns": columns}


results = []
for name, content, flags, options, refused in cases:
    path = os.path.join(HERE, name + ".csv")
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    entry = {"file": name + ".csv", "flags": flags}
    if refused:
        entry["refused"] = list(refused)
    else:
        entry["table"] = expected(path, flags, options)
    results.append(entry)
with open(os.path.join(HERE, "expected.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in results) + "\n]\n")
print(len(cases), "files")
