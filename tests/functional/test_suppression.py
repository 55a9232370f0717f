import torch

from ncenet.functional.suppression import MOST, find_objects, survivors

HERE, THERE = [0.0, 0.0, 1.0, 1.0], [5.0, 5.0, 6.0, 6.0]
NEXT = [0.1, 0.0, 1.1, 1.0]  # overlaps HERE by 0.9 / 1.1


def test_the_less_likely_of_two_on_the_same_place_is_dropped():
    boxes = torch.tensor([HERE, NEXT, THERE])
    found = find_objects(torch.tensor([[0.6, 0.0], [0.8, 0.0], [0.7, 0.0]]), boxes)
    assert found.anchors.tolist() == [1, 2]
    assert found.scores.tolist() == torch.tensor([0.8, 0.7]).tolist(), "likeliest first"
    assert torch.equal(found.boxes, boxes[[1, 2]])


def test_classes_do_not_suppress_one_another():
    found = find_objects(torch.tensor([[0.6, 0.0], [0.0, 0.8]]), torch.tensor([HERE, NEXT]))
    assert found.classes.tolist() == [1, 0]


def test_unlikely_boxes_are_no_objects():
    found = find_objects(torch.tensor([[0.0099], [0.0101]]), torch.tensor([HERE, THERE]))
    assert found.anchors.tolist() == [1]
    nothing = find_objects(torch.zeros(3, 2), torch.tensor([HERE] * 3))
    assert [len(part) for part in nothing] == [0] * 4


def test_at_most_so_many_objects():
    corners = torch.arange(300.0)[:, None] * 2
    boxes = torch.cat([corners, corners, corners + 1, corners + 1], 1)
    assert len(find_objects(torch.full((300, 2), 0.5), boxes).anchors) == MOST


def test_survivors_of_a_chunk():
    boxes = torch.tensor([[HERE, NEXT, THERE]] * 2)
    scores = torch.tensor([[[0.6], [0.8], [0.7]], [[0.001], [0.0], [0.002]]])
    assert survivors(scores, boxes).tolist() == [[False, True, True], [False, False, True]], (
        "where nothing is likely enough, the likeliest anchor stands for the image"
    )
