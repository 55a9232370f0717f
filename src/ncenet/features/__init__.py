"""Features: vectors that a pretrained network makes of images, computed once and kept.

An :class:`~ncenet.features.extractor.Extractor` turns images into vectors and has a fingerprint; a
:class:`~ncenet.features.store.Store` keeps them under the fingerprint and the content hash of the image, so
nothing is computed twice, whatever run or folder the image is in.
"""
