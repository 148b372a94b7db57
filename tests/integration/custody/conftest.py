"""The command line, for the tests of its custody commands."""

from tests.integration.test_command_line import cli  # noqa: F401 - the command line as a fixture
