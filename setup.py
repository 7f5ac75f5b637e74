"""Only an editable install is whole: the course is notebooks, pictures and data in this folder."""

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel


class OnlyEditable(bdist_wheel):
    """Refuse to build a wheel, which would hold neither notebooks nor pictures."""

    def run(self) -> None:
        """Say what to do instead."""
        raise SystemExit(
            "This course is used from its folder, which holds the notebooks, pictures and data: "
            "pip install --editable ."
        )


setup(cmdclass={"bdist_wheel": OnlyEditable})
