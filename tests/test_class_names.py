"""What can be the name of a class, can be one on every way in; what can't is refused, with the reason."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from ncenet.class_names import LONGEST, check_class_names, class_name_problem, split_names
from ncenet.cli.flags import RecipeFlags, apply_flags
from ncenet.data import open_dataset
from ncenet.errors import DataError, RecipeError
from ncenet.ledger.ledger import Ledger
from ncenet.recipe import Recipe
from ncenet.run.opening import survey
from ncenet.web.messages import Entry, NewClass
from tests.data.make import jpeg, write

GOOD = ("cat, small", 'the "big" one', "日本", "two  blanks", "a'b", "no", "010", "نمی‌دانم", "x" * LONGEST)
BAD = {
    "": "is empty",
    " lead": "begins or ends with a blank",
    "trail\u00a0": "begins or ends with a blank",
    "tab\tx": "holds a control character, U+0009",
    "nul\0x": "holds a control character, U+0000",
    "two\u2028lines": "holds a line break, U+2028",
    "half\ud800x": "holds half a character, U+D800",
    "x" * (LONGEST + 1): f"has {LONGEST + 1} characters, more than {LONGEST}",
}


def by_folders(root, names):
    write(root, {f"{n}/1.jpg": jpeg(i) for i, n in enumerate(names)})
    return open_dataset(str(root)).class_names


def by_csv(root, names):
    def quoted(name):
        return '"' + name.replace('"', '""') + '"'

    write(root, {f"{n}.jpg": jpeg(n) for n in range(len(names))})
    rows = [f"{n}.jpg,{quoted(name)}" for n, name in enumerate(names)]
    (root / "a.csv").write_text("path,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return open_dataset(str(root / "a.csv")).class_names


def by_parquet(root, names):
    table = pa.table({"image": [jpeg(n) for n in range(len(names))], "label": list(names)})
    pq.write_table(table, root / "a.parquet")
    return open_dataset(str(root / "a.parquet")).class_names


def by_metadata(root, names):
    table = pa.table({"image": [jpeg()], "label": [0]})
    pq.write_table(table.replace_schema_metadata({"class_names": json.dumps(names)}), root / "a.parquet")
    return open_dataset(str(root / "a.parquet")).class_names


def by_yolo(root, names):
    write(root, {"images/1.jpg": jpeg(), "labels/1.txt": b"0 .5 .5 .2 .2\n"})
    (root / "data.yaml").write_text(yaml.safe_dump({"names": list(names)}, allow_unicode=False))
    return open_dataset(str(root), task="detection").class_names


def by_coco(root, names):
    write(root, {"1.jpg": jpeg()})
    categories = [{"id": n, "name": name} for n, name in enumerate(names)]
    record = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [], "categories": categories}
    (root / "a.json").write_text(json.dumps(record))
    return open_dataset(str(root / "a.json"), task="detection").class_names


def by_recipe(root, names):
    return Recipe().with_changes({"data.classes": names}).data.classes


def by_page(root, names):
    return tuple(NewClass(who="ann", name=name).name for name in names)


def by_ledger(root, names):
    with Ledger(root / "ledger.sqlite") as ledger:
        for name in names:
            ledger.add_class(name, who="ann")
        return ledger.class_names()


WAYS = [by_csv, by_parquet, by_metadata, by_yolo, by_coco, by_recipe, by_page, by_ledger]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_takes_the_same_names(tmp_path, way):
    assert sorted(way(tmp_path, GOOD)) == sorted(GOOD)


@pytest.mark.parametrize("way", [by_parquet, by_metadata, by_yolo, by_coco, by_recipe, by_ledger])
@pytest.mark.parametrize("name", [name for name in BAD if "\ud800" not in name])
def test_every_way_in_refuses_the_same_names(tmp_path, way, name):
    with pytest.raises((DataError, RecipeError)) as error:
        way(tmp_path, ["dog", name])
    assert BAD[name] in str(error.value)


def test_folders_are_held_to_it_too(tmp_path):
    assert by_folders(tmp_path / "good", ["a, b", "日本"]) == ("a, b", "日本")
    with pytest.raises(DataError, match=r"the class 'tab\\tx' holds a control character, U\+0009: rename it"):
        by_folders(tmp_path / "bad", ["tab\tx", "ok"])


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name):
    assert class_name_problem(name) == BAD[name]


@pytest.mark.parametrize("name", [None, 3, True, float("nan"), b"cat", ["cat"]])
def test_a_name_is_text(name):
    assert "is no text" in class_name_problem(name)
    with pytest.raises(DataError, match=r"here: the class .* is no text: it is of type"):
        check_class_names(["dog", name], "here")


def test_the_page_answers_with_any_class():
    for name in GOOD:
        entry = Entry(key="key-00000001", id="a.jpg", kind="answer", label=name)
        assert entry.label == name
    assert NewClass(who="ann", name=" cat ").name == "cat", "somebody typed a blank too many"


def test_names_with_commas_on_a_line():
    assert split_names('"cat, small",dog') == ("cat, small", "dog")
    assert split_names("cat, dog,") == ("cat", "dog")
    assert split_names('""""') == ('"',)
    assert split_names(" ") == ()
    with pytest.raises(DataError, match="one with a comma stands in double quotes"):
        split_names('"cat, small')


def test_flags_and_recipes_agree():
    flags = RecipeFlags(classes=('"cat, small",dog', "bird"))
    assert apply_flags(Recipe(), flags).data.classes == ("cat, small", "dog", "bird")
    recipe = Recipe().with_changes({"data.classes": ("cat, small", "dog")})
    assert recipe.data.classes == ("cat, small", "dog"), "a list is a list already"
    with pytest.raises(RecipeError, match=r"--classes .*double quotes"):
        apply_flags(Recipe(), RecipeFlags(classes=('"cat',)))


def test_a_recipe_keeps_names_that_hold_commas(tmp_path):
    recipe = Recipe().with_changes({"data.classes": GOOD})
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    assert Recipe.load(tmp_path / "recipe.yaml").data.classes == GOOD


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (pa.array([0.0, float("nan"), 1.0]), "column 'label' holds double"),
        (pa.array([b"cat", b"dog", b"cat"]), "column 'label' holds binary"),
        (pa.array([["a"], ["b"], ["a"]]), "column 'label' holds list"),
        (pa.array([True, False, True]), "column 'label' holds bool"),
        (pa.array(["a", "", "b"]), r"row 1 .* has the label '', which is empty"),
        (pa.array(["a", "b", "b\t"]), r"row 2 .* begins or ends with a blank"),
        (pa.array(["a", None, "b"]), r"row 1 .* has no label"),
        (pa.array(["a", None, "b"]).dictionary_encode(), r"row 1 .* has no label"),
    ],
)
def test_labels_of_parquet_that_name_no_class(tmp_path, values, why):
    pq.write_table(pa.table({"image": [jpeg(n) for n in range(3)], "label": values}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=why):
        open_dataset(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize("names", ['"cat"', '{"0": "cat"}', "[true, false]", "[null]", '["a", "a"]', "[1.5]"])
def test_class_names_in_metadata_that_are_none(tmp_path, names):
    table = pa.table({"image": [jpeg(0), jpeg(1)], "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"class_names": names}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"a\.parquet.*class names in its metadata"):
        open_dataset(str(tmp_path / "a.parquet"))


def test_names_that_look_the_same_are_the_same():
    with pytest.raises(DataError, match=r"is named twice, as 'cafe\\u0301' and 'caf\\xe9'"):
        check_class_names(["cafe\u0301", "tea", "caf\u00e9"])
    assert check_class_names(["Cat", "cat"]) == ("Cat", "cat")


@pytest.mark.parametrize(
    "twin",
    ["cat\u200b", "\u200ecat", "c\u00adat", "ca\u200dt", "\ufeffcat", "cat\ufe0f", "cat\u2060"],
)
def test_names_that_differ_in_what_nobody_sees(twin):
    with pytest.raises(DataError, match="is named twice"):
        check_class_names(["cat", "dog", twin])


def test_names_that_differ_in_the_kind_of_a_blank():
    for blank in "\u00a0\u2009\u3000":
        with pytest.raises(DataError, match="is named twice"):
            check_class_names(["T shirt", f"T{blank}shirt"])


def test_names_that_differ_in_what_is_seen():
    family, persian = "\U0001f468\u200d\U0001f469", "\u0645\u06cc\u200c\u062e"
    for name in (family, persian, "\u0441at", "c-at", "cat\u0301"):
        plain = name.replace("\u200d", "").replace("\u200c", "")
        assert check_class_names(dict.fromkeys(["cat", plain, name]))


def test_classes_that_are_perhaps_one_are_told(tmp_path):
    write(tmp_path, {f"{n}.jpg": jpeg(n) for n in range(4)})
    rows = zip(range(4), ("cat", "Cat", "\u0441at", "dog"), strict=True)
    (tmp_path / "a.csv").write_text("path,label\n" + "".join(f"{n}.jpg,{name}\n" for n, name in rows))
    dataset = open_dataset(str(tmp_path / "a.csv"))
    assert dataset.notes == ("classes that are perhaps one: 'Cat', 'cat', '\u0441at'",)
    assert dataset.class_names == ("Cat", "cat", "dog", "\u0441at"), "and left as they are"


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("a,A,b", "classes that are perhaps one: 'a', 'A'"),
        ("T-Shirt,t-shirt,shoe", "classes that are perhaps one: 'T-Shirt', 't-shirt'"),
        ("1,2,01,3", "classes that are perhaps one: '1', '01'"),
        ("a1,a2", None),
    ],
)
def test_classes_that_somebody_names_for_unlabelled_images_are_told_alike(tmp_path, named, told):
    write(tmp_path / "photos", {f"{n}.jpg": jpeg(n) for n in range(4)})
    recipe = Recipe().with_changes({"data.train": str(tmp_path / "photos"), "data.classes": named})
    events = []
    seen = survey(recipe, tmp_path / "run", notify=events.append)
    said = [event["text"] for event in events if event["event"] == "note"]
    assert said == list(seen.train.notes) == ["read as images without labels", *[told] * bool(told)]
    assert seen.class_names == tuple(named.split(",")), "and left as they are"
