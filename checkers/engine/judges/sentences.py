"""What several lessons say of the same slip."""

NO_RETURN = "Your function returned None. Is the last line, `return ...`, missing?"
NO_GRADIENT = (
    "The loss has no gradient, so nothing can be learned from it. Return the tensor as it is: no "
    "`.item()`, no `torch.no_grad()`, no `.detach()`."
)
EVALUATED = "The loss puts the model into evaluation mode; leave its mode alone."
IN_TRAINING_MODE = (
    "The model is asked in training mode, in which its BatchNorm mixes the pictures of a batch. "
    "Leave its mode alone, or call model.eval()."
)
WRITTEN_INTO = (
    "Your function changes the pictures or labels it was given. Work on a new tensor: `a = a * b` "
    "makes one, `a *= b` writes into the old."
)
OTHER_SEED = (
    "Generators of different seeds give the same pictures. Draw with the `generator` you are given "
    "and leave its seed alone."
)
CONTINUED = (
    "Two runs with one and the same generator give the same pictures. Draw with it as it is: a "
    "generator goes on where it stopped, unless it is seeded again."
)
GLOBAL_SEED = (
    "Two calls without a generator differ although torch.manual_seed came before each with the "
    "same seed: where `generator` is None, all noise should come from torch's global generator."
)
NOT_NORMAL = "has the right strength but the wrong shape: it is not normally distributed."
"""The end of a sentence that begins with what the noise is called."""
NOT_SHOWN = (
    "What the model is shown has nothing of the pictures in it, in the order in which they are "
    "given."
)
