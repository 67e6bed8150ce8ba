"""Package metadata of dotscience; the build-system and tool tables are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

VERSION = "1.0.0"

setup(
    name="dotscience",
    version=VERSION,
    description="Records where data science results come from: files, parameters, metrics, code and models.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["dotscience", "dotscience.*"]),
    package_data={
        "dotscience": ["py.typed"],
        "dotscience.hub": [
            "migrations/*.mako",
            "pages/templates/*.html",
            "pages/static/*",
            "pages/static/*/*",
        ],
    },
    python_requires=">=3.10",
    install_requires=[
        "requests>=2.28",
        "ipykernel>=6.0",
        "nbformat>=5.1",
        "sqlalchemy>=2.0.28",
        "click>=8.1",
        "rich>=13.0",
    ],
    extras_require={
        "pandas": ["pandas>=1.5"],
        "hub": [
            "alembic>=1.13",
            "argon2-cffi>=23.1",
            "fastapi>=0.115",
            "igraph>=0.11",
            "jinja2>=3.1",
            "numpy>=1.24",
            "plotly>=5.20",
            "prometheus-client>=0.20",
            "pygments>=2.17",
            "python-multipart>=0.0.9",
            "uvicorn[standard]>=0.29",
        ],
        "postgres": ["psycopg[binary,pool]>=3.1"],
        "s3": ["obstore>=0.6"],
        "dev": [
            "axe-playwright-python>=0.1.4",
            "bump2version>=1.0",
            "click>=8.2",
            "httpx>=0.27",
            "hypothesis>=6.80",
            "jupyter-server>=2.0",
            "moto[server]>=5.0",
            "mypy>=1.8",
            "nbclient>=0.8",
            "nbconvert>=7.0",
            "numpy>=1.24",
            "pandas>=1.5",
            "papermill>=2.4",
            "playwright>=1.44",
            "pytest>=8.0",
            "pytest-randomly>=3.15",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.5",
            "pyyaml>=6.0",
            "ruff>=0.4",
            "schemathesis>=4.0",
            "setuptools>=64",
        ],
        "quickstart": ["matplotlib>=3.7", "pandas>=1.5", "scikit-learn>=1.3"],
    },
    entry_points={"console_scripts": ["ds=dotscience.cli.main:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering",
        "Typing :: Typed",
    ],
)
