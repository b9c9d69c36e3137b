"""Pictures: of any size and number of channels, 8 or 16 bits, from folders, archives, arrays and data sets."""

from ganvas.spaces.images.loading import BUILT_IN, digits, images
from ganvas.spaces.images.space import Images

__all__ = ["BUILT_IN", "Images", "digits", "images"]
