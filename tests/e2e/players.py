# SPDX-License-Identifier: BSD-3-Clause
"""Programs that show video, and the pictures that they show, as files. Those that are not installed are left out, and it
is said."""

import asyncio
import os
import pathlib
import shutil
import subprocess
import tempfile

import oriel


def missing(name, *elements):
    """A program, and of GStreamer its elements."""
    if not shutil.which(name):
        print(f"skipped: {name} is not installed")
        return True
    for element in elements:
        if subprocess.run(["gst-inspect-1.0", element], capture_output=True).returncode:
            print(f"skipped: GStreamer has no {element}")
            return True
    return False


async def program(*words, **options):
    """Exit status and all that it said."""
    process = await asyncio.create_subprocess_exec(*map(str, words), stdout=asyncio.subprocess.PIPE,
                                                   stderr=asyncio.subprocess.STDOUT, **options)
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 30)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        raise AssertionError(f"{words[0]} received too little in 30 s")
    return process.returncode, said.decode(errors="replace")


def newest(folder):
    """The last picture of those that a program has written, and how many they are."""
    paths = sorted(folder.glob("*.png"))
    return oriel.read_png(paths[-1]) if paths else None, len(paths)


async def ffmpeg(folder, *source, turns=True, count=None):
    """What FFmpeg shows; without turning what the stream or the file says is to be turned."""
    folder.mkdir(parents=True)
    number = ["-frames:v", count] if count else []
    status, said = await program("ffmpeg", "-hide_banner", "-v", "error", *([] if turns else ["-noautorotate"]), *source,
                                 *number, "-fps_mode", "passthrough", "-enc_time_base", "-1", folder / "%05d.png")
    assert status == 0 and (count or not said), said  # who joins a stream has not seen its key
    return newest(folder)


async def gstreamer(folder, *source, count=None):
    """What GStreamer shows of what a source says is H.264."""
    folder.mkdir(parents=True)
    number = ["identity", f"eos-after={count + 1}", "!"] if count else []
    status, said = await program("gst-launch-1.0", "-q", *source, "!", "h264parse", "!", "avdec_h264", "!",
                                 "videoconvert", "!", *number, "pngenc", "!", "multifilesink",
                                 f"location={folder}/%05d.png")
    assert status == 0 and "ERROR" not in said, said
    return newest(folder)


async def vlc(folder, source, size=(1280, 720), count=None):
    """What VLC shows, of a file until its end; its filter would scale to a size of its own."""
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    for path in folder.parents: # VLC refuses to be root: somebody else reads there
        if path == pathlib.Path(tempfile.gettempdir()):
            break
        path.chmod(0o755)
    other = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    process = await asyncio.create_subprocess_exec(
        *other, "cvlc", "-q", "--no-audio", "--play-and-exit", "--vout", "dummy", "--video-filter", "scene",
        "--scene-ratio", "1", "--scene-width", str(size[0]), "--scene-height", str(size[1]),
        "--scene-path", str(folder), str(source), stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "HOME": str(folder)})
    try:
        for _ in range(300):
            written = len(list(folder.glob("*.png")))
            if process.returncode is not None or (count and written > count):
                break
            await asyncio.sleep(0.1)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    return newest(folder)
