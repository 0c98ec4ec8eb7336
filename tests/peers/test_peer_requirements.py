"""Installing peers and requiring them: what is absent is skipped, or fails if it is required."""

from pathlib import Path

import pytest

from tests.peers import install, installation
from tests.support.peers import is_required, require_peer


@pytest.fixture
def peers_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OTLPTEST_PEERS_DIR", str(tmp_path))
    monkeypatch.delenv("OTLPTEST_REQUIRE", raising=False)
    return tmp_path


def built(folder: Path) -> None:
    (folder / "program").write_text("built", "utf-8")


def refused(folder: Path) -> None:
    raise installation.PeerError(f"no compiler for {folder.name}")


def a_peer(monkeypatch: pytest.MonkeyPatch, sources: Path, **differing: object) -> None:
    """Make `made` a peer of its own, with `sources` as its folder in the repository."""
    facts: dict[str, object] = {"what": "made up", "tools": (), "file": "program", "build": built}
    peer = installation.Peer(name="made", **{**facts, **differing})  # type: ignore[arg-type]  # facts are checked by the class
    monkeypatch.setitem(installation.PEERS, "made", peer)
    monkeypatch.setattr(installation, "HERE", sources)
    (sources / "made").mkdir(parents=True, exist_ok=True)
    (sources / "made" / "lock").write_text("1", "utf-8")


def test_an_absent_peer_skips_with_the_command_that_provides_it(peers_folder: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"python tests/peers/install\.py go$"):
        require_peer("go")
    assert list(peers_folder.iterdir()) == []


def test_an_absent_peer_that_is_required_fails(
    peers_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTLPTEST_REQUIRE", "java, go")
    with pytest.raises(pytest.fail.Exception, match="OTLPTEST_REQUIRE=java, go"):
        require_peer("go")
    assert list(peers_folder.iterdir()) == []


def test_all_requires_every_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTLPTEST_REQUIRE", "all")
    assert all(is_required(name) for name in installation.PEERS)


def test_a_peer_is_built_once_and_again_when_its_lock_changes(
    peers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources"
    a_peer(monkeypatch, sources)
    assert installation.install("made")
    assert not installation.install("made")
    assert (peers_folder / "bin" / "made").read_text("utf-8") == "built"
    (sources / "made" / "lock").write_text("2", "utf-8")
    assert installation.installed_file("made") is None
    assert installation.install("made")


def test_a_failed_build_leaves_nothing_and_says_why(
    peers_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    a_peer(monkeypatch, tmp_path / "sources", build=refused)
    assert install.main(["made"]) == 3
    told = capsys.readouterr().out
    assert "made: FAILED: no compiler for work\n" in told
    assert "not installed: made (the tests that need them are skipped)\n" in told
    assert [each.name for each in peers_folder.iterdir()] == ["sources"]


def test_a_missing_tool_is_named(
    peers_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_peer(monkeypatch, tmp_path / "sources", tools=("no-such-compiler",))
    with pytest.raises(installation.PeerError, match=r"^needs no-such-compiler on the PATH$"):
        installation.install("made")
    assert [each.name for each in peers_folder.iterdir()] == ["sources"]


def test_an_unknown_peer_is_refused_with_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        install.main(["fortran"])
    assert "no peer 'fortran'; there are: h2spec, telemetrygen, go" in capsys.readouterr().err
