"""The course's website, made from the solved notebooks: `python -m website`."""
