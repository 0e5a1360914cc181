"""Paints with the APK's GPU delegate on this machine, without a GPU and without Android.

    python tools/android/gpu_check.py STYLE [STYLE ...]

Android's x86-64 library, rewritten for pages of 16 KB, runs on glibc through a stand-in for Android's C library, in the
app's own interpreter, on the OpenCL of the processor (Debian's pocl-opencl-icd, ocl-icd-libopencl1, gcc and binutils).
It proves the rewritten library, the delegate's use of the newer interpreter and the float16 models, not a phone's
driver, and takes minutes a style. Exits with 1 where a picture is less than 38 dB from the processor's.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import compiling
from mobile_style.exporting import runtimes
from mobile_style.media import images
from mobile_style.metrics import psnr
from mobile_style.network.catalog import BUNDLED, bundled_photos
from toolchain import Toolchain, ToolchainError, find

SOURCES = Path(__file__).with_name("gpu_check")
LIBRARY = "libtensorflowlite_gpu_jni.so"
FLOOR = 38  # dB


def stand_ins(tools: Toolchain, folder: Path) -> None:
    """Writes the delegate's library and the libraries that it asks for into the folder."""
    with zipfile.ZipFile(tools.gpu) as archive:
        (folder / LIBRARY).write_bytes(archive.read(f"jni/x86_64/{LIBRARY}"))
    told = compiling.run("nm", "-D", "--undefined-only", folder / LIBRARY)
    names = [line.split()[-1] for line in told.splitlines()]
    versioned = [name.split("@")[0] for name in names if name.endswith("@LIBC")]
    graphics = [name for name in names if name.startswith(("gl", "egl"))]
    _compile(folder, "libbionic.so", (SOURCES / "bionic.c").read_text())
    own = {line.split()[-1] for line in compiling.run("nm", "-D", folder / "libbionic.so").splitlines()}
    _compile(folder, "libc.so", _trampolines(versioned, own), *_version(folder, versioned), f"-L{folder}", "-lbionic")
    for name in ("libdl.so", "libm.so"):  # whose functions libc.so has, too
        _compile(folder, name, "int nothing;", *_version(folder, ["nothing"]))
    for name in ("libEGL.so", "libGLESv3.so"):  # which OpenCL is tried before
        _compile(folder, name, "".join(f"long {each}(void) {{ return 0; }}\n" for each in graphics))
    _compile(folder, "liblog.so", "int nothing;")
    _compile(folder, "libOpenCL.so", (SOURCES / "opencl.c").read_text(), "-Wl,--no-as-needed", "-l:libOpenCL.so.1")


def _trampolines(names: list[str], own: set[str]) -> str:
    """C for a library with Android's names and version, each function a jump to the stand-in's or to glibc's."""
    lines = ["void *bionic_symbol(const char *); void bionic_streams(char *);", "char streams[3 * 152];"]
    lines.append('__asm__(".symver streams,__sF@@LIBC");')
    begin = ["bionic_streams(streams);"]
    for name in names:
        if name != "__sF":
            jump = f".text\\n.globl to_{name}\\n.type to_{name},@function\\nto_{name}: jmp *at_{name}(%rip)\\n"
            lines.append(f'void *at_{name} __attribute__((visibility("hidden")));')
            lines.append(f'__asm__("{jump}.symver to_{name},{name}@@LIBC");')
            target = f"bionic_{name}" if f"bionic_{name}" in own else name
            begin.append(f'if (!(at_{name} = bionic_symbol("{target}"))) __builtin_trap();')
    return "\n".join([*lines, "__attribute__((constructor)) static void begin(void) {", *begin, "}"])


def _version(folder: Path, names: list[str]) -> list[str]:
    script = folder / "version.map"
    script.write_text(f"LIBC {{ global: {' '.join(f'{name};' for name in names)} local: *; }};\n")
    return [f"-Wl,--version-script={script}"]


def _compile(folder: Path, name: str, source: str, *flags: str) -> None:
    (folder / "source.c").write_text(source)
    command = ("gcc", "-shared", "-fPIC", "-O1", "-w", "-o", folder / name, folder / "source.c", "-lm")
    compiling.run(*command, f"-Wl,-soname,{name}", f"-Wl,-rpath,{folder}", *flags)


def paint(tools: Toolchain, folder: Path, model: Path, photo: np.ndarray) -> tuple[np.ndarray, str]:
    """What the model makes of the photo on the delegate, and what was said of it."""
    names = (*compiling.RUNTIME, *(f"{name}:linux-x86_64" for name in compiling.RUNTIME))
    jars = [tools.artifact(name) for name in names]
    for name in compiling.DELEGATE:
        with zipfile.ZipFile(tools.archive(name)) as archive:
            jars.append(folder / f"{name}.jar")
            jars[-1].write_bytes(archive.read("classes.jar"))
    photo.astype("<f4").tofile(folder / "photo")
    command = ["java", f"-Djava.library.path={folder}", f"-Dorg.bytedeco.javacpp.cachedir={folder / 'cache'}", "-cp"]
    command += [os.pathsep.join(map(str, jars)), str(SOURCES / "OnGpu.java")]
    command += [str(model), str(folder / "photo"), str(folder / "painted")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LD_LIBRARY_PATH": str(folder)})
    if done.returncode:
        raise compiling.BuildError(f"{model} does not run:\n{done.stdout}{done.stderr}")
    return images.to_pixels(np.fromfile(folder / "painted", "<f4").reshape(photo.shape)), done.stdout.strip()


def main(styles: list[str]) -> None:
    """Paints a photo in each style on both and compares."""
    tools = find(tests=True)
    photo = images.center_square(images.load(images.photos(bundled_photos("held_out"), 1)[0]), 256)
    worst = float("inf")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        stand_ins(tools, folder)
        for style in styles:
            model = BUNDLED / style / "float16.tflite"
            painted, told = paint(tools, folder, model, photo)
            reached = psnr(runtimes.load(model)(photo), painted)
            worst = min(worst, reached)
            print(f"{style}: {reached:.1f} dB, {told}")
    if worst < FLOOR:
        sys.exit(f"error: the GPU delegate paints something else than the processor: {worst:.1f} dB")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ToolchainError, compiling.BuildError) as error:
        sys.exit(f"error: {error}")
