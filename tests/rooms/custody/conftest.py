"""The command line, for the tests of its custody commands."""

from tests.rooms.test_command_line import hub  # noqa: F401 - the command line as a fixture
