"""Label formats: one file each. Plug-ins enter by an entry point of the group ``ncenet.formats``."""

from ncenet.bridges.format import Format
from ncenet.registry import Registry

formats: Registry[Format] = Registry("label format", package="ncenet.bridges.formats", group="ncenet.formats")
