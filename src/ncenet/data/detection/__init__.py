"""Images with boxes: VOC folders, COCO, YOLO, CSV and Parquet, read into one form and checked alike."""
