"""Functions and methods of Python and of common libraries, by what they do to values."""

CHANGE_THEIR_OWN = frozenset(
    {
        "append",
        "extend",
        "insert",
        "remove",
        "pop",
        "clear",
        "sort",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "discard",
        "appendleft",
        "extendleft",
        "popleft",
        "rotate",
        "fill",
        "put",
        "itemset",
        "resize",
        "register_buffer",
        "register_parameter",
        "add_module",
        "register_module",
        "load_state_dict",
        "requires_grad_",
        "__setitem__",
        "__setattr__",
        "__delitem__",
    }
)
"""Methods that change what they belong to, wherever they are called."""

CHANGE_THEIR_FIRST = frozenset(
    {
        "setattr",
        "delattr",
        "shuffle",
        "heappush",
        "heappop",
        "heapify",
        "heapreplace",
        "insort",
        "insort_left",
        "insort_right",
        "next",
        "copyto",
        "fill_diagonal",
        "place",
        "putmask",
        "put_along_axis",
        "setitem",
        "delitem",
        "__setattr__",
    }
)
"""Functions that change their first argument."""

READ_ONLY = frozenset(
    {
        "print",
        "display",
        "show",
        "check",
        "hint",
        "when_ready",
        "len",
        "type",
        "repr",
        "str",
        "help",
        "dir",
        "id",
        "vars",
        "isinstance",
        "plot",
        "imshow",
        "hist",
        "scatter",
        "savefig",
        "figure",
        "subplots",
        "title",
        "legend",
        "summary",
    }
)
"""What is called to see something, and changes nothing that it is given."""

WRITE_FILES = frozenset(
    {
        "open",
        "write_text",
        "write_bytes",
        "touch",
        "mkdir",
        "makedirs",
        "save",
        "savez",
        "savetxt",
        "save_file",
        "dump",
        "to_csv",
        "to_json",
        "tofile",
        "urlretrieve",
    }
)
"""What may write a file."""
