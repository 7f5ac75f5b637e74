"""A notebook's client that keeps all that the kernel sends."""

from nbclient import NotebookClient


class Listening(NotebookClient):
    """Keeps what the kernel sends, also what later takes the place of something else."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.heard = []

    def process_message(self, msg, cell, cell_index):
        self.heard.append((msg["msg_type"], msg["content"]))
        return super().process_message(msg, cell, cell_index)
