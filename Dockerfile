# The course with all it needs, for the processor: JupyterLab on port 8888, as an ordinary user.
#
#   docker build --tag diffusion-by-building .
#   docker run --rm --publish 127.0.0.1:8888:8888 --volume "$PWD:/home/student/course" \
#     diffusion-by-building
#
# Run in the course's folder, where the answers stay. docs/grading.md has the options for grading.
FROM python:3.13-slim-bookworm

# bubblewrap keeps graded code apart; git, because students bring their own repositories.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends bubblewrap git make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 student

USER 1000
WORKDIR /home/student/course
ENV VIRTUAL_ENV=/home/student/venv \
    PATH=/home/student/venv/bin:$PATH \
    OMP_WAIT_POLICY=PASSIVE
RUN python -m venv "$VIRTUAL_ENV"
COPY --chown=student:student . .
RUN python -m pip install --no-cache-dir --editable . --constraint constraints.txt \
    --extra-index-url https://download.pytorch.org/whl/cpu

EXPOSE 8888
CMD ["jupyter", "lab", "--ip=0.0.0.0", "--no-browser", "--HTMLExporter.embed_images=True", \
    "lessons/00_meet_the_denoiser.ipynb"]
