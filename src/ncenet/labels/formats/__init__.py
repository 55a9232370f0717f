"""Label formats: one file each. Plug-ins enter by an entry point of the group ``ncenet.formats``."""

from ncenet.labels.format import Format
from ncenet.registry import Registry

formats: Registry[Format] = Registry("label format", package="ncenet.labels.formats", group="ncenet.formats")
