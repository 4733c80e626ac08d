"""The whole flow with a client that openapi-python-client makes from the served OpenAPI document.

    python client/flow.py API PICTURE

It generates the package `sightline_client` in a temporary folder first.
"""

import sys
import tempfile
import time
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from subprocess import run

import httpx


def generate(api: str, folder: Path) -> None:
    config = folder / "config.yaml"
    # By default the generator formats the files, which nobody reads here, and warns of a media type that it does not know.
    config.write_text("post_hooks: []\ncontent_type_overrides: {image/jpeg: application/octet-stream}\n")
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--url", f"{api}/openapi.json"]
    command += ["--meta", "none", "--output-path", folder / "sightline_client", "--config", config, "--fail-on-warning"]
    run(command, check=True)
    sys.path.insert(0, str(folder))


def flow(api: str, picture: Path) -> str:
    client_type = import_module("sightline_client").Client
    models = import_module("sightline_client.models")
    operation = lambda name: import_module(f"sightline_client.api.images.{name}").sync_detailed
    client = client_type(base_url=api, follow_redirects=True)
    image = picture.read_bytes()

    # Upload.
    request = models.UploadRequest(
        content_type=models.ContentType.IMAGEJPEG,
        content_length=len(image),
        filename="a picture.jpg",
        analyses=[models.Analysis.LABELS],
    )
    ticket = operation("create_upload")(client=client, body=request).parsed
    assert isinstance(ticket, models.UploadTicket), ticket
    stored = httpx.request(ticket.method, ticket.upload_url, content=image, headers=ticket.headers.to_dict())
    assert stored.status_code == HTTPStatus.OK, stored.text
    key = ticket.key

    # Result.
    end = time.monotonic() + 60
    document = None
    while not isinstance(document, models.ResultDocument):
        assert time.monotonic() < end, f"{key} has no result after a minute"
        time.sleep(0.1)
        document = operation("read_result")(key, client=client).parsed
    assert document.status == models.Status.SUCCEEDED, document
    assert document.source.filename == "a picture.jpg"
    label = document.summary.labels[0]

    # List, search, labels, and the image's own row.
    for query in [{}, {"label": [label], "min_confidence": 1.0}]:
        images = operation("list_images")(client=client, limit=10, **query).parsed.images
        assert [image.key for image in images] == [key], images
    counts = operation("count_labels")(client=client).parsed.labels
    assert (label, 1) in [(count.name, count.images) for count in counts], counts
    details = operation("read_image")(key, client=client).parsed
    assert details.thumbnail.width == document.thumbnail.width

    # Thumbnail and preview: the client follows the redirect.
    for size in ["small", "large"]:
        reply = operation("read_thumbnail")(key, client=client, size=models.ReadThumbnailSize(size))
        assert reply.status_code == HTTPStatus.OK and reply.content.startswith(b"\xff\xd8"), (size, reply)
    assert document.preview.width > document.thumbnail.width

    # Deletion.
    assert operation("delete_image")(key, client=client).status_code == HTTPStatus.NO_CONTENT
    gone = operation("read_result")(key, client=client).parsed
    assert isinstance(gone, models.Problem) and gone.code == models.Code.NO_SUCH_UPLOAD, gone
    return key


def main() -> None:
    api, picture = sys.argv[1], Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        generate(api, Path(folder))
        print(f"The Python client did everything with {flow(api, picture)}.")


if __name__ == "__main__":
    main()
