"""The Android app: built here, read back, and its Kotlin tests run on this machine's Java."""

import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from android_vectors import write_painted, write_vectors

import api
import build
import compiling
import jvm_tests
import toolchain
import verify
from conftest import MANY, Exported, exports_of, shared
from mobile_style.benchmarking.phone_app import read_app_report, rows_of
from mobile_style.errors import CheckpointError, UsageError
from mobile_style.exporting import runtimes
from mobile_style.exporting.android_bundle import THUMBNAIL, bundle_android, find_exports
from mobile_style.exporting.card import digest, read_export_card
from mobile_style.inference.network import load_network
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.styles import shares_of

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"


def bundled_styles() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "models").glob("*/int8.tflite"))


@dataclass(frozen=True)
class Built:
    apk: Path
    assets: Path
    work: Path
    tools: toolchain.Toolchain


def app_folder(folder: Path) -> Path:
    """A folder that `bundle` takes for the app."""
    (folder / "app/src/main").mkdir(parents=True)
    shutil.copy(DEMO / "app/src/main/AndroidManifest.xml", folder / "app/src/main")
    return folder


def someone_elses(folder: Path) -> Path:
    """An export of another name, whose float network and painting are not here."""
    folder.mkdir()
    card = json.loads((ROOT / "models/udnie/int8.json").read_text())
    card |= {"name": "my_own", "style": "somewhere/my_own.jpg", "source": card["source"] | {"checkpoint": "elsewhere"}}
    (folder / "model.json").write_text(json.dumps(card))
    shutil.copy(ROOT / "models/udnie/int8.tflite", folder / "model.tflite")
    return folder / "model.tflite"


def with_float16(exported: Exported, folder: Path) -> Path:
    """Exports of one network at 256 x 256 pixels, by int8 and by float16, in one folder."""
    folder.mkdir()
    for recipe in ("int8", "float16"):
        for path in exported(recipe, 256).parent.glob("model.*"):
            shutil.copy(path, folder / path.name.replace("model", recipe))
    return folder


@pytest.fixture(scope="session")
def tools() -> toolchain.Toolchain:
    """What the app is built and tested with."""
    try:
        return toolchain.find(tests=True)
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def built(tools: toolchain.Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The app with the bundled styles, many in one file, and someone else's, built once for all processes."""
    with shared(tmp_path_factory, "android") as root:
        made = Built(root / "app.apk", root / "project" / "app/src/main/assets", root / "work", tools)
        if not made.apk.exists():
            shutil.rmtree(root / "project", ignore_errors=True)
            shutil.rmtree(root / "other", ignore_errors=True)
            shutil.rmtree(root / "many", ignore_errors=True)
            project = app_folder(root / "project")
            many = with_float16(exports_of("many", tmp_path_factory, "bundled-many-"), root / "many")
            bundle_android([*bundled_styles(), str(many), str(someone_elses(root / "other"))], project)
            build.build(tools, made.apk, made.assets, made.work)
    return made


@pytest.mark.slow
def test_the_apk_is_what_it_should_be(built: Built, tmp_path: Path) -> None:
    verify.verify(built.apk, built.assets)  # what other tools say of it
    with zipfile.ZipFile(built.apk) as archive:
        for style, name in [(style, name) for style in bundled_styles() for name in ("int8", "float16")]:
            folder, file = f"assets/styles/{style}/256x256", {"int8": "model"}.get(name, name)
            card = json.loads(archive.read(f"{folder}/{'card' if name == 'int8' else name}.json"))
            model = Path(archive.extract(f"{folder}/{file}.tflite", tmp_path))
            assert (card["name"], card["recipe"]) == (style, name)
            assert digest(model) == card["file"]["sha256"] == digest(ROOT / f"models/{style}/{name}.tflite")
        libraries = {name.split("/")[1] for name in archive.namelist() if name.startswith("lib/")}
    manifest = compiling.run("aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", built.apk)
    assert "android:enableOnBackInvokedCallback(0x0101066c)=true" in manifest  # predictive back, before Android 16
    assert libraries == set(compiling.ABIS) == {"arm64-v8a", "x86_64"}


@pytest.mark.slow
def test_two_builds_are_the_same(built: Built, tmp_path: Path) -> None:
    again = build.build(built.tools, tmp_path / "app.apk", built.assets, tmp_path / "work")
    assert digest(again.with_suffix(".unsigned.apk")) == digest(built.apk.with_suffix(".unsigned.apk"))


@pytest.mark.slow
def test_a_wrong_apk_is_refused(built: Built, tmp_path: Path) -> None:
    spoiled = tmp_path / "spoiled.apk"
    with zipfile.ZipFile(built.apk) as old, zipfile.ZipFile(spoiled, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith("starry_night/256x256/model.tflite"):
                content = content[:-1] + bytes([content[-1] ^ 1])
            if "arm64" not in name:
                new.writestr(name, content, zipfile.ZIP_DEFLATED if name.endswith(".tflite") else zipfile.ZIP_STORED)
    with pytest.raises(verify.VerifyError) as error:
        verify.verify(spoiled, built.assets)
    for finding in (
        "not signed",
        "not aligned",
        "not the file that its card",
        "compressed",
        "no libjnitensorflowlite.so for arm64-v8a",
        "lib/x86_64/libjnijavacpp.so does not begin on a page",
    ):
        assert finding in str(error.value)


@pytest.mark.slow
def test_the_kotlin_tests_pass(built: Built, tmp_path: Path) -> None:
    vectors, shots = tmp_path / "vectors", tmp_path / "screenshots"
    assert write_vectors(vectors) >= 100
    write_painted(vectors / "painted", built.assets)
    shutil.copy(built.assets / "styles/many/256x256/card.json", vectors / "many.json")
    shots.mkdir()
    jars = sorted(built.work.glob("*.jar"))
    classes = [built.work / "core", built.work / "app", *jars]
    jvm_tests.compile_tests(built.tools, built.work, classes)
    passed, count, told = jvm_tests.run_tests(built.tools, built.work, built.assets, vectors, shots)
    assert passed, told[-6000:]
    assert count >= 35
    assert {path.stem for path in shots.iterdir()} >= {
        "live",
        "original",
        "diagnostics",
        "landscape",
        "permission",
        "mix",
    }
    rows, _ = rows_of(read_app_report((shots / "benchmark.json").read_bytes()))  # as `benchmark --device app` does
    assert {(row.model, row.accelerator) for row in rows} == {
        (f"{name} 256x256", kind)
        for name in (*bundled_styles(), "many", "my_own")
        for kind in ("cpu", "cpu without XNNPACK")
    }
    assert all(row.latency and row.latency.runs == 10 and row.loaded and row.loaded.delegated == 243 for row in rows)
    assert {row.sha256 for row in rows} == {digest(path) for path in built.assets.rglob("model.tflite")}


@pytest.mark.slow
def test_nothing_newer_than_the_oldest_android_is_called_unguarded(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    framework = api.Framework([built.tools.artifact("android-all:8")])
    classes = [built.work / "core", built.work / "app"]
    assert list(api.too_new(classes, framework)) == []
    monkeypatch.setattr(api, "NEWER", "none")
    found = "\n".join(api.too_new(classes, framework))
    assert "getCurrentThermalStatus" in found  # of Android 10
    assert "WindowInsets$Type" in found  # of Android 11


def test_the_command_to_type_next_is_quoted() -> None:
    with pytest.raises(CheckpointError, match="`mobile-style export 'my café' --int8` makes one"):
        find_exports("my café")


def test_a_damaged_export_is_not_said_to_be_missing(exported: Exported, tmp_path: Path) -> None:
    shutil.copytree(exported("int8").parent, tmp_path / "cafe")
    with next((tmp_path / "cafe").glob("*.tflite")).open("ab") as file:
        file.write(b"more")
    with pytest.raises(CheckpointError, match="is not the file that"):
        find_exports(tmp_path / "cafe")


def test_the_app_the_package_and_the_citation_have_one_version() -> None:
    package = re.search(r'^version = "(.+)"$', (DEMO.parent / "pyproject.toml").read_text(), re.M)
    citation = re.search(r"^version: (.+)$", (DEMO.parent / "CITATION.cff").read_text(), re.M)
    assert package and citation
    assert compiling.VERSION_NAME == package[1] == citation[1]


def test_both_builds_are_of_the_same() -> None:
    gradle = (DEMO / "app/build.gradle.kts").read_text()
    for name, value in {
        "compileSdk": compiling.COMPILE_SDK,
        "minSdk": compiling.MIN_SDK,
        "targetSdk": compiling.TARGET_SDK,
        "versionCode": compiling.VERSION_CODE,
        "versionName": f'"{compiling.VERSION_NAME}"',
        "namespace": f'"{compiling.APPLICATION}"',
        "applicationId": f'"{compiling.APPLICATION}"',
    }.items():
        assert re.search(rf"^ *{name} = (.*)$", gradle, re.M)[1] == str(value), name  # type: ignore[index]
    assert re.findall(r'"(\S+)"', re.search(r"abiFilters.*", gradle)[0]) == list(compiling.ABIS)  # type: ignore[index]
    # Neither Gradle file names source folders, so they are the usual ones, which the script names.
    assert "sourceSets" not in gradle + (DEMO / "core/build.gradle.kts").read_text()
    assert (compiling.CORE, compiling.APP) == (DEMO / "core/src/main/kotlin", DEMO / "app/src/main")
    assert {part: DEMO / part / "src/test/kotlin" for part in ("core", "app")} == jvm_tests.SOURCES
    used = set(re.findall(r" implementation\(libs\.([\w.]+)\)", gradle))
    wanted = {name.split(":")[0] for name in (*compiling.RUNTIME, *compiling.DELEGATE)}
    assert used | {"tensorflow.lite.gpu"} == {name.replace("-", ".") for name in wanted}
    assert f'files("../.toolchain/{toolchain.Toolchain().gpu.name}")' in gradle
    classified = set(re.findall(r'\(libs\.([\w.]+)\) { classifier\("(android-\w+)"\) }', gradle))
    runtime = [name.split(":")[0].replace("-", ".") for name in compiling.RUNTIME]
    assert classified == {(name, abi) for name in runtime for abi in compiling.ABIS.values()}
    assert f"JVM_{compiling.JVM_TARGET.replace('.', '_')}" in (DEMO / "core/build.gradle.kts").read_text()


@pytest.mark.slow
def test_gradle_reads_the_catalog_and_makes_every_accessor_that_the_scripts_use(
    tools: toolchain.Toolchain, tmp_path: Path
) -> None:
    def read(catalog: Path) -> dict[str, str]:
        """The accessors that Gradle makes of it, with what they name."""
        opened = "--add-opens=java.base/java.lang=ALL-UNNAMED"
        reader = Path(__file__).with_name("Catalog.java")
        home = f"-Duser.home={tmp_path}"  # where Gradle keeps its caches
        said = compiling.run("java", opened, home, "-cp", ":".join(map(str, tools.gradle())), reader, catalog)
        return dict(line.split() for line in said.splitlines() if line.startswith("libs."))

    catalog = DEMO / "gradle/libs.versions.toml"
    accessors = read(catalog)
    scripts = "".join(script.read_text() for script in DEMO.glob("**/*.gradle.kts"))
    assert set(re.findall(r"libs(?:\.\w+)+", scripts)) == set(accessors)
    pins = {":".join(pin.split(":")[:3]) for group in toolchain.PINS["maven"].values() for pin in group}
    libraries = {named for name, named in accessors.items() if not name.startswith("libs.plugins.")}
    assert len(libraries) == 6 and libraries <= pins
    assert accessors["libs.plugins.kotlin.jvm"].endswith(f":{toolchain.PINS['npm']['kotlin-compiler']['version']}")
    spoiled = tmp_path / "libs.versions.toml"
    spoiled.write_text(catalog.read_text().replace("\njavacpp = {", "\njava-class = {"))
    with pytest.raises(compiling.BuildError, match="reserved name in Gradle"):
        read(spoiled)


@pytest.mark.slow
def test_what_gradle_would_merge_from_libraries_is_in_the_apps_own_manifest(built: Built) -> None:
    def said(manifest: bytes) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        elements = ElementTree.fromstring(manifest).iter()
        return {(each.tag, frozenset(each.items())) for each in elements if each.tag not in ("manifest", "application")}

    own = said((compiling.APP / "AndroidManifest.xml").read_bytes())
    wanted = set()
    for name in compiling.DELEGATE:
        with zipfile.ZipFile(built.tools.archive(name)) as archive:
            wanted |= said(archive.read("AndroidManifest.xml"))
    oldest = [value for tag, values in wanted if tag == "uses-sdk" for _, value in values]
    assert oldest and max(map(int, oldest)) <= compiling.MIN_SDK
    merged = {each for each in wanted if each[0] != "uses-sdk"}
    assert merged and merged <= own  # OpenCL's names, without which Android 12 hides the GPU


@pytest.mark.slow
def test_bundle_puts_in_what_the_app_looks_for(tmp_path: Path) -> None:
    project = app_folder(tmp_path / "project")
    exported = someone_elses(tmp_path / "other")
    folders = bundle_android(["udnie", str(exported)], project)
    styles = project / "app/src/main/assets/styles"
    assert folders == [styles / "udnie/256x256", styles / "my_own/256x256"]
    assert (styles / "index.txt").read_text() == "my_own/256x256\nudnie/256x256\n"
    golden = json.loads((folders[0] / "golden.json").read_text())
    photo, reference = (
        images.load(styles.parent / "golden" / golden["photo"]),
        images.load(folders[0] / "reference.png"),
    )
    assert golden["psnr"] == psnr(reference, runtimes.load(folders[0] / "model.tflite")(photo)) > 35
    assert not (folders[1] / "golden.json").exists()  # its float network is not here
    assert np.ptp(images.load(styles / "my_own/thumbnail.jpg")) > 50
    assert "training" not in json.loads((folders[0] / "card.json").read_text())["source"]
    inside = bundle_android([str(ROOT / "models")], app_folder(tmp_path / "more"))
    bundled = (path.parent.name for path in (ROOT / "models").glob("*/int8.tflite"))
    assert sorted(folder.parent.name for folder in inside) == sorted(bundled)
    with pytest.raises(UsageError, match="no Android app"):
        bundle_android(["udnie"], tmp_path)
    with pytest.raises(CheckpointError, match="no exported model"):
        bundle_android(["nothing"], project)
    with pytest.raises(UsageError, match="float32"):
        bundle_android([str(ROOT / "models/udnie/float16.tflite")], project)
    exported.write_bytes(exported.read_bytes() + b"\0")
    with pytest.raises(CheckpointError, match="is not the file"):
        bundle_android([str(exported)], project)


@pytest.mark.slow
def test_bundle_puts_in_each_style_of_a_file(exported_many: Exported, many_styles: Path, tmp_path: Path) -> None:
    """With what the float network makes of the photo in each, and in one mix."""
    project = app_folder(tmp_path / "project")
    (folder,) = bundle_android([str(exported_many("int8"))], project)
    assets = project / "app/src/main/assets"
    assert (assets / "styles/index.txt").read_text() == "run/64x64\n"
    golden = json.loads((folder / "golden.json").read_text())
    photo, run = images.load(assets / "golden" / golden["photo"]), runtimes.load(folder / "model.tflite")
    mixes = [*MANY, "night=0.5,noon=0.5"]
    assert [each["shares"] for each in golden["mixes"]] == [shares_of(mix, MANY).tolist() for mix in mixes]
    for index, (mix, each) in enumerate(zip(mixes, golden["mixes"], strict=True)):
        reference = images.load(folder / f"reference-{index}.png")
        np.testing.assert_array_equal(reference, images.to_pixels(load_network(f"{many_styles}:{mix}")[0](photo)))
        assert each["psnr"] == psnr(reference, run(photo, np.array(each["shares"], np.float32))) > 33
    wanted = [images.center_square(images.load(folder / f"reference-{index}.png"), THUMBNAIL) for index in range(3)]
    for index, name in enumerate(MANY):
        likeness = [psnr(images.load(assets / f"styles/run/{name}.jpg"), each) for each in wanted]
        assert max(likeness) == likeness[index] > 28
    assert read_export_card(exported_many("int8"))["mix"] == json.loads((folder / "card.json").read_text())["mix"]
    with pytest.raises(UsageError, match="float32"):
        bundle_android([str(exported_many("float16"))], project)


def test_a_download_that_is_another_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jar").write_bytes(b"another")
    with pytest.raises(toolchain.ToolchainError, match="sha256"):
        toolchain._check(tmp_path / "a.jar", "0" * 64)
