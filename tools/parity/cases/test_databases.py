"""PyTorch's own databases of operators, modules and optimisers. They come with every PyTorch, but import a package for writing
tests (expecttest) that does not; a stand-in is enough, since nothing of it is used here."""

import sys
import types
import unittest

try:
    import expecttest  # noqa: F401
except ImportError:
    sys.modules["expecttest"] = types.SimpleNamespace(TestCase=unittest.TestCase, assert_expected_inline=None)

from torch.testing._internal.common_methods_invocations import op_db  # noqa: E402, F401
from torch.testing._internal.common_modules import module_db  # noqa: E402, F401
from torch.testing._internal.common_optimizers import optim_db  # noqa: E402, F401
