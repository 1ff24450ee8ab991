"""Reading tables: encodings, quotes, delimiters, line numbers, and files that are no tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepwell.errors import InputError
from keepwell.ingest.cells import Reject, Row
from keepwell.ingest.files import Table
from keepwell.ingest.lines import MAX_LINE


def write(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(folder: Path, content: bytes | str, name: str = "file.csv") -> list[Row | Reject]:
    return rows(write(folder, content, name))


def rows(path: Path) -> list[Row | Reject]:
    with Table(path) as table:
        return list(table.rows())


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_with_any_delimiter_line_end_and_with_or_without_bom(
    tmp_path: Path, bom: bytes, delimiter: str, end: str
) -> None:
    lines = ["external_id,name", "A,Äpfel", "", '"B","x,y"'] if delimiter == "," else None
    lines = lines or [f"external_id{delimiter}name", f"A{delimiter}Äpfel", "", f'"B"{delimiter}"x,y"']
    found = read(tmp_path, bom + end.join(lines).encode())
    assert found == [
        Row(2, {"external_id": "A", "name": "Äpfel"}),
        Row(4, {"external_id": "B", "name": "x,y"}),
    ]


def test_quoted_newlines_keep_the_line_numbers_right(tmp_path: Path) -> None:
    found = read(tmp_path, 'id,note\n1,"two\nlines"\n2,x,y\n3,"three\r\nlong\nlines"\n4\n5,ok\n')
    assert [row.line for row in found] == [2, 4, 5, 8, 9]
    assert found[0] == Row(2, {"id": "1", "note": "two\nlines"})
    assert found[2] == Row(5, {"id": "3", "note": "three\r\nlong\nlines"})
    assert isinstance(found[1], Reject)
    assert "3 cells, more than the header's 2" in found[1].reason
    assert isinstance(found[3], Reject)
    assert "1 cell, fewer than the header's 2" in found[3].reason


def test_the_header_may_span_lines_and_the_delimiter_comes_from_it_alone(tmp_path: Path) -> None:
    found = read(tmp_path, '"a,\nb";c\n1,5;2,5\n')
    assert found == [Row(3, {"a,\nb": "1,5", "c": "2,5"})]


def test_rows_of_empty_cells_only_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n,\n1,2\n,\n") == [Row(3, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (
            b"a,b\nM\xfcller,1\nx,2\n",
            2,
            "line 2 is not UTF-8 (byte 0xFC at position 2); save the file as UTF-8",
        ),
        (b'a,b\n"x\ny\xff",1\nx,2\n', 2, "line 3 is not UTF-8"),
        (b"a,b\nx\0y,1\nx,2\n", 2, "line 2 holds NUL bytes"),
        (b'a,b\n"x"y,1\nx,2\n', 2, "goes on after its closing quote"),
        (b"a,b\n" + b"x" * 140_000 + b",1\nx,2\n", 2, "a cell is longer than 131,072 characters"),
        (b"a,b\n" + b"x" * (MAX_LINE + 5) + b",1\nx,2\n", 2, f"line 2 is longer than {MAX_LINE:,} bytes"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_and_the_next_one_is_taken(
    tmp_path: Path, content: bytes, line: int, reason: str
) -> None:
    bad, good = read(tmp_path, content)
    assert isinstance(bad, Reject)
    assert bad.line == line
    assert reason in bad.reason
    assert len(bad.value) <= 80
    assert isinstance(good, Row)
    assert good.values == {"a": "x", "b": "2"}


def test_a_quote_that_never_closes_is_named_with_its_line(tmp_path: Path) -> None:
    good, bad = read(tmp_path, 'a,b\n1,2\n3,"open\n4,5\n')
    assert isinstance(good, Row)
    assert isinstance(bad, Reject)
    assert (bad.line, bad.reason) == (
        3,
        "a quoted cell does not end (lines 3 to 4); is its closing quote missing?",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n \n", "the file is empty"),
        ("a,b\n1,2\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "is UTF-16; save it as UTF-8"),
        (b"a\0longer,header,with,one,nul\n1,2\n", "holds NUL bytes"),
        (b"PK\x03\x04rest", "is an Excel workbook"),
        (b"\x1f\x8brest", "is compressed"),
        (b"a,b,a\n1,2,3\n", "column 3 of the header is named 'a' like column 1"),
        (b"a,,b\n1,2,3\n", "column 2 of the header has no name"),
        (b"gr\xfc\xdfe,b\n1,2\n", "line 1 is not UTF-8"),
        (b"a,b\r1,2\r3,4\r", "the lines end with CR alone"),
        (b'"a"x,b\n1,2\n', "the header cannot be read"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_place(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert reason in caught.value.message
    assert str(tmp_path / "file.csv") in (caught.value.place or "")


def test_what_is_not_there_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    for path, reason in (
        (tmp_path / "missing.csv", "there is no such file"),
        (folder, "is a folder"),
        (tmp_path / "book.xlsx", "'.xlsx'"),
    ):
        with pytest.raises(InputError) as caught:
            rows(path)
        assert reason.strip("'") in str(caught.value)


def test_json_lines_are_objects(tmp_path: Path) -> None:
    content = '\ufeff{"a": 1, "b": null}\n\n[1]\n"x"\n{"a": NaN}\n{"a": 1, "a": 2}\n{"a": \n{"b": 2}\n'
    found = read(tmp_path, content, "file.jsonl")
    assert found[0] == Row(1, {"a": 1, "b": None})
    assert found[-1] == Row(8, {"b": 2})
    rejects = [(row.line, row.reason) for row in found if isinstance(row, Reject)]
    assert [line for line, _ in rejects] == [3, 4, 5, 6, 7]
    for (_, reason), part in zip(
        rejects, ["is a list", "is text", "NaN is not JSON", "'a' is there twice", "is not JSON"], strict=True
    ):
        assert part in reason


@pytest.mark.parametrize("line", ["[" * 100_000, "1" * 5000, '{"a": ' + "9" * 5000 + "}"])
def test_json_made_to_break_parsers_is_rejected(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f'{{"a": 1}}\n{line}\n', "file.jsonl")
    assert isinstance(found[0], Row)
    assert isinstance(found[1], Reject)


def test_a_json_list_is_refused_with_the_way_to_make_lines_of_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one object per line"):
        read(tmp_path, '[{"a": 1},\n{"a": 2}]\n', "file.jsonl")


def test_the_progress_reaches_the_size(tmp_path: Path) -> None:
    with Table(write(tmp_path, "a,b\n1,2\n" * 5)) as table:
        assert table.done < table.size
        assert len(list(table.rows())) == 9
        assert table.done == table.size
