"""Migrations are one chain: of two that took one number at the same time, no database would know which comes next."""

from pathlib import Path

from alembic.script import ScriptDirectory

import hub.migrations
from hub.migrations.run import head


def test_every_migration_follows_the_one_of_the_number_before() -> None:
    folder = Path(hub.migrations.__file__).parent
    files = sorted(path.stem for path in (folder / "versions").glob("[0-9]*.py"))
    assert [name[:4] for name in files] == [f"{number:04}" for number in range(1, len(files) + 1)]

    steps = list(ScriptDirectory(str(folder)).walk_revisions())
    assert [step.revision for step in reversed(steps)] == [name[:4] for name in files]
    assert head() == steps[0].revision
