"""``python -m ganvas`` is ``ganvas``."""

import sys

from ganvas.skins.cli import main

sys.exit(main())
