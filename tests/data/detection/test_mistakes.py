"""Mistakes in annotations: all are found, each is named by file and object, and its image is left out."""

import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncenet.data import open_dataset
from ncenet.errors import DataError, UnreadableImages
from tests.data.make import encode, photo

from .make import coco, samples, voc_xml, write_coco, write_csv, write_parquet, write_voc, write_yolo

MADE = samples(3)


def open_boxes(path, **options):
    return open_dataset(str(path), task="detection", **options)


def reasons(dataset):
    return [problem.why for problem in dataset.problems]


def voc(tmp_path, change):
    """A VOC folder whose first annotation is changed."""
    root = write_voc(tmp_path / "voc", {"trainval": MADE})
    file = root / "Annotations" / "000000.xml"
    file.write_text(change(file.read_text()))
    return root


FILE = "Annotations/000000.xml"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("<name>", "<nom>", f"{FILE}: not XML: mismatched tag"),
        ("annotation>", "mistake>", f"{FILE}: is XML of 'mistake', not of 'annotation'"),
        ("name>", "nom>", f"{FILE}, object 1: lacks name"),
        ("xmax>", "max>", f"{FILE}, object 1: lacks bndbox/xmax"),
        ("<xmin>", "<xmin>a", f"{FILE}, object 1: xmin is 'a"),
        (r"<xmin>\d+", "<xmin>nan", f"{FILE}, object 1: the box has x1 nan, which is not a finite"),
        (r"<xmin>\d+", "<xmin>95", "the box has no area: xmin 95 is not below xmax"),
        (r"<ymax>\d+", "<ymax>75", "reaches beyond the image, which is 96 x 72"),
        (r"<xmin>\d+", "<xmin>-5", "reaches beyond the image, which is 96 x 72"),
        (r"<difficult>\d", "<difficult>maybe", "difficult is 'maybe', not 0 or 1"),
        ("<bndbox>", "<bndbox/><bndbox>", f"{FILE}, object 1: has bndbox more than once: which one counts?"),
        ("<name>", "<name>ant</name><name>", f"{FILE}, object 1: has name more than once: which one counts?"),
        ("<xmin>", "<xmin>1</xmin><xmin>", f"{FILE}, object 1: has xmin more than once: which one counts?"),
        ("object>", "Object>", f"{FILE}: holds 'Object' in a place where VOC has no object"),
        ("(?s)<object>.*</object>", r"<objects>\g<0></objects>", f"{FILE}: holds 'object' in a place where"),
    ],
)
def test_voc(tmp_path, old, new, why):
    dataset = open_boxes(voc(tmp_path, lambda xml: re.sub(old, new, xml)))
    assert why in reasons(dataset)[0]
    assert {problem.id for problem in dataset.problems} == {"JPEGImages/000000.jpg"}
    with pytest.raises(DataError, match="no label for 1 id"):
        dataset.oracle.answer(["JPEGImages/000000.jpg"])
    assert set(dataset.oracle.answer(dataset.pool.ids()[1:])) == set(dataset.pool.ids()[1:])


def test_every_mistake_is_listed_not_only_the_first(tmp_path):
    two = next(sample for sample in samples(8) if len(sample.boxes) == 3)
    root = write_voc(tmp_path, {"trainval": (*MADE, two._replace(name="000009"))})
    xml = re.sub(r"<name>\w+", "<name>", voc_xml(two)).replace("<xmin>", "<xmin>x", 1)
    (root / "Annotations" / "000009.xml").write_text(xml)
    (root / "Annotations" / "000001.xml").unlink()
    found = reasons(open_boxes(root))
    assert len(found) == 4
    assert found[0] == (
        "Annotations/000001.xml: is missing; an image without objects has a file without objects"
    )
    assert [why.partition(":")[0] for why in found[1:]] == [
        f"Annotations/000009.xml, object {n}" for n in (1, 2, 3)
    ]
    message = str(UnreadableImages(open_boxes(root).problems))
    assert message.startswith("4 mistakes in annotations:\n  Annotations/000001.xml: is missing")
    assert message.count("object") >= 3
    assert "leave those images out with `data.on_bad_image=skip`" in message


def test_an_unknown_class_is_a_mistake_when_the_classes_are_given(tmp_path):
    root = write_voc(tmp_path, {"trainval": MADE})
    names = {label for sample in MADE for label in sample.boxes.labels}
    assert open_boxes(root, classes=sorted(names)).problems == ()
    (why, *_) = reasons(open_boxes(root, classes=sorted(names - {MADE[0].boxes.labels[0]})))
    assert f"object 1: has the class {MADE[0].boxes.labels[0]!r}, which is none of" in why


def test_boxes_that_reach_a_pixel_beyond_are_clipped(tmp_path):
    root = write_voc(tmp_path, {"trainval": MADE[:1]})
    box = "<xmin>0</xmin><ymin>1</ymin><xmax>97</xmax><ymax>72</ymax>"
    xml = f"<annotation><object><name>one</name><bndbox>{box}</bndbox></object></annotation>"
    (root / "Annotations" / "000000.xml").write_text(xml)
    dataset = open_boxes(root)
    assert dataset.problems == ()
    (label,) = dataset.oracle.answer(dataset.pool.ids()).values()
    assert json.loads(label)[0]["box"] == [0, 0, 96, 72]
    assert dataset.cut == 1


def test_boxes_are_those_of_the_upright_image(tmp_path):
    write_csv(tmp_path, MADE[:1])
    turned = photo(height=40, width=80)
    exif = turned.getexif()
    exif[0x0112] = 6  # stored lying on its side: 80 x 40 pixels are shown as 40 x 80
    (tmp_path / "images" / "000000.jpg").write_bytes(encode(turned, "JPEG", exif=exif))
    for box, count in (("0,0,40,80", 0), ("0,0,80,40", 1)):
        (tmp_path / "boxes.csv").write_text(f"path,x1,y1,x2,y2,label\nimages/000000.jpg,{box},one\n")
        dataset = open_boxes(tmp_path / "boxes.csv")
        assert len(dataset.problems) == count
    assert "reaches beyond the image, which is 40 x 80" in reasons(dataset)[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"category_id": 7}, "annotation 1: has the category 7, which is not listed"),
        ({"bbox": [1, 2, 3]}, "annotation 1: bbox is [1, 2, 3], not [x, y, width, height]"),
        ({"bbox": [1, 2, "3", 4]}, "annotation 1: bbox is [1, 2, '3', 4], not four numbers"),
        ({"bbox": [1, 2, 0, 4]}, "annotation 1: the box has no area: it is 0 wide and 4 high"),
        ({"bbox": [90, 2, 30, 4]}, "annotation 1: the box 90, 2, 120, 6 reaches beyond the image"),
        ({"bbox": None}, "annotation 1: bbox is None"),
    ],
)
def test_coco(tmp_path, change, why):
    record = coco(MADE)
    record["annotations"][0] |= change
    write_coco(tmp_path, MADE).write_text(json.dumps(record))
    (found,) = reasons(open_boxes(tmp_path / "annotations.json"))
    assert found.startswith("annotations.json, 000000.jpg, ")
    assert why in found


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"images": 3}, "not a COCO file: 'images' is no list of records"),
        ({"images": []}, "lists no images"),
        ({"images": [{"id": 1}]}, "image 1 needs an 'id' and a 'file_name'"),
        ({"images": [{"id": 1, "file_name": "a"}] * 2}, "image 2 has the id 1, which another has already"),
        ({"annotations": [{"image_id": 9}]}, "annotation 1 is of the image 9, which is not listed"),
        (
            {"images": [{"id": 0, "file_name": "no.jpg"}], "annotations": []},
            "the image 'no.jpg' is in none of",
        ),
    ],
)
def test_a_coco_file_that_is_none(tmp_path, change, why):
    write_coco(tmp_path, MADE).write_text(json.dumps(coco(MADE) | change))
    with pytest.raises(DataError) as error:
        open_boxes(tmp_path / "annotations.json")
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 .5 .5 .2", "line 1: has 4 fields, not class x y width height"),
        ("0 .1 .1 .2 .1 .2 .2", "line 1: has 7 fields"),
        ("3 .5 .5 .2 .2", "line 1: has the class '3', which is none of 0 to 2"),
        ("cat .5 .5 .2 .2", "line 1: has the class 'cat'"),
        ("0 .5 .5 x .2", "line 1: 'x' is not a finite number"),
        ("0 .5 .5 inf .2", "line 1: inf is not a finite number"),
        ("0 .5 .5 0 .2", "line 1: the box has no area: it is 0 wide"),
        ("0 48 36 20 20", "line 1: 48 is no fraction of the image: pixels?"),
        (
            "0 .9 .5 .4 .2",
            "line 1: the box 67.2, 28.8, 105.6, 43.2 reaches beyond the image, which is 96 x 72",
        ),
    ],
)
def test_yolo(tmp_path, line, why):
    root = write_yolo(tmp_path, MADE)
    (root / "labels" / "000001.txt").write_text(line + "\n")
    (found,) = reasons(open_boxes(root))
    assert found.startswith("labels/000001.txt, ")
    assert why in found


def test_yolo_labels_without_images_and_images_without_labels(tmp_path):
    root = write_yolo(tmp_path, MADE)
    (root / "labels" / "000000.txt").unlink()
    (root / "images" / "000002.jpg").unlink()
    dataset = open_boxes(root)
    assert reasons(dataset) == ["labels/000000.txt: is missing; an image without objects has an empty file"]
    assert "images/000002.jpg" in dataset.pool.ids(), "entered, so that reading it reports it"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,2,3,,one,0", "line 2: lacks y2"),
        ("1,2,3,4,,0", "line 2: lacks label"),
        ("1,2,x,4,one,0", "line 2: the box has x2 'x', which is not a finite number"),
        ("5,2,3,4,one,0", "line 2: the box has no area: x1 5 is not below x2 3"),
        ("1,2,3,4,one,perhaps", "line 2: difficult is 'perhaps', not 0 or 1"),
        ("1,2,300,4,one,0", "line 2: the box 1, 2, 300, 4 reaches beyond the image"),
    ],
)
def test_csv(tmp_path, row, why):
    file = write_csv(tmp_path, MADE)
    header, *rest = file.read_text().splitlines()
    rest = [line for line in rest if "000000" not in line]
    file.write_text("\n".join([header, f"images/000000.jpg,{row}", *rest]) + "\n")
    (found,) = reasons(open_boxes(file))
    assert found.startswith("boxes.csv, ")
    assert why in found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "path,x1,y1,x2,label\na.jpg,1,2,3,one\n",
            r"boxes\.csv:1 needs columns .* and label, found path",
        ),
        ("path,x1,y1,x2,y2,label\na.jpg,1,2,3,4,a,b\n", r"boxes\.csv:2 has more fields than the header, 7"),
        ("path,x1,y1,x2,y2,label\n,1,2,3,4,one\n", r"boxes\.csv:2 the path is missing"),
        ("path,x1,y1,x2,y2,label\n", r"boxes\.csv: lists no images"),
        ('path,x1,y1,x2,y2,label\n"a.jpg,1,2,3,4,one\n', r"boxes\.csv:\d not CSV"),
        (
            "path,x1,y1,x2,y2,label\na.jpg,1,2,3,4,one\n./a.jpg,5,6,7,8,one\n",
            r"boxes\.csv:3 the path './a\.jpg' is 'a\.jpg' in another spelling",
        ),
    ],
)
def test_a_csv_file_that_is_none(tmp_path, text, why):
    (tmp_path / "boxes.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        open_boxes(tmp_path / "boxes.csv")


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("boxes", None, "no boxes and labels; an image without objects has empty lists"),
        ("labels", [0], "2 boxes, 1 labels and 2 marks of difficulty"),
        ("boxes", [[1, 2, 3], [1, 2, 3, 4]], "object 1: the box is not four numbers"),
        ("boxes", [[1, 2, 3, 4], None], "object 2: the box is not four numbers"),
        ("boxes", [[1, 2, 1, 4], [1, 2, 3, 4]], "object 1: the box has no area"),
        ("labels", [0, 3], "object 2: has the label 3, which is not 0 to 2"),
        ("labels", [None, 0], "object 1: has the label None, which is no name"),
    ],
)
def test_parquet(tmp_path, column, value, why):
    two = next(sample for sample in samples(8) if len(sample.boxes) == 2)
    file = write_parquet(tmp_path / "digits.parquet", (two, *MADE))
    table = pq.read_table(file)
    values = table[column].to_pylist()
    changed = pa.array([value, *values[1:]], table.schema.field(column).type)
    pq.write_table(table.set_column(table.column_names.index(column), column, changed), file)
    (found,) = reasons(open_boxes(file))
    assert found.startswith("row 0 of digits.parquet, counted from 0")
    assert why in found


def test_parquet_without_names_needs_names_as_labels(tmp_path):
    file = write_parquet(tmp_path / "digits.parquet", MADE)
    pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
    assert "which is not a name: the metadata holds no class_names" in reasons(open_boxes(file))[0]
