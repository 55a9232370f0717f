"""What may stand under the name of a file without being one."""

import os

KINDS = ("pipe", "device", "folder", "nothing")


def put(kind, file):
    """Put something there that no reader may wait for, or nothing."""
    match kind:
        case "pipe":
            os.mkfifo(file)
        case "device":
            file.symlink_to("/dev/zero")
        case "folder":
            file.mkdir()
    return file
