"""The host is described from the files of Linux, from what Python knows, and from what GPU drivers tell."""

import os
import platform
import stat
import sys
from pathlib import Path

import pytest

from dotscience.capture.host import host, read_cpu, read_gpus, read_ram

GIBIBYTE = 1024**3


def _write(root: Path, path: str, content: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(content)


def _no_program(name: str) -> None:
    return None


def _nvidia_smi(tmp_path: Path, body: str) -> str:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


def test_this_machine_is_described() -> None:
    facts = host()
    assert facts["python"] == platform.python_version()
    assert facts["implementation"] == sys.implementation.name
    assert facts["cpu"]["count"] == os.cpu_count()
    assert facts["cpu"]["model"]
    assert facts["ram"] > GIBIBYTE // 8
    assert facts["platform"] == platform.platform()


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC 7763\ncache\n", "AMD EPYC 7763"),
        ("processor\t: 0\nBogoMIPS\t: 50\n\nModel\t\t: Raspberry Pi 4 Model B\n", "Raspberry Pi 4 Model B"),
        ("processor\t: 0\ncpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("processor\t: 0\nCPU implementer\t: 0x41\n", platform.machine()),
        ("", platform.machine()),
    ],
)
def test_the_cpu_is_called_by_its_name_or_by_its_architecture(tmp_path: Path, text: str, model: str) -> None:
    _write(tmp_path, "proc/cpuinfo", text)
    assert read_cpu(str(tmp_path)) == {"model": model, "count": os.cpu_count()}


def test_memory_is_in_bytes(tmp_path: Path) -> None:
    _write(tmp_path, "proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n")
    assert read_ram(str(tmp_path)) == 16 * 1024**2


def test_a_machine_without_gpu_is_normal(tmp_path: Path) -> None:
    assert read_gpus(str(tmp_path), _no_program) == []


def test_nvidia_cards_have_name_and_memory(tmp_path: Path) -> None:
    program = _nvidia_smi(tmp_path, 'echo "NVIDIA A100-SXM4-80GB, 81920"; echo "NVIDIA T4, [N/A]"')
    assert read_gpus(str(tmp_path), lambda name: program) == [
        {"name": "NVIDIA A100-SXM4-80GB", "memory": 80 * GIBIBYTE},
        {"name": "NVIDIA T4"},
    ]


@pytest.mark.parametrize("body", ["exit 9", "echo 'No devices were found'; exit 6", "exec sleep 60"])
def test_where_nvidia_smi_is_of_no_use_the_kernel_names_the_cards(tmp_path: Path, body: str) -> None:
    _write(tmp_path, "proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t Tesla V100\nIRQ: 1\n")
    program = _nvidia_smi(tmp_path, body)
    assert read_gpus(str(tmp_path), lambda name: program, patience=0.3) == [{"name": "Tesla V100"}]


def test_amd_cards_have_name_and_memory(tmp_path: Path) -> None:
    for card, vendor, name in (
        ("card0", "0x1002", "Instinct MI210\n"),
        ("card1", "0x8086", ""),
        ("card2", "0x1002", ""),
    ):
        _write(tmp_path, f"sys/class/drm/{card}/device/vendor", f"{vendor}\n")
        _write(tmp_path, f"sys/class/drm/{card}/device/device", "0x73bf\n")
        _write(tmp_path, f"sys/class/drm/{card}/device/mem_info_vram_total", f"{16 * GIBIBYTE}\n")
        if name:
            _write(tmp_path, f"sys/class/drm/{card}/device/product_name", name)
    _write(tmp_path, "sys/class/drm/card0-DP-1/device/vendor", "0x1002\n")
    assert read_gpus(str(tmp_path), _no_program) == [
        {"name": "Instinct MI210", "memory": 16 * GIBIBYTE},
        {"name": "AMD GPU 0x73bf", "memory": 16 * GIBIBYTE},
    ]
