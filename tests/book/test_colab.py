"""The copies for Colab can be read without MyST, and run."""

import re

import book_fixes
import colab
import nbformat
import pytest
from nbclient import NotebookClient

NAMES = list(colab.chapters())


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Write all copies with an address that is not one."""
    folder = tmp_path_factory.mktemp("colab")
    return {
        path.stem: path for path in colab.main(folder, "cnninv-lite @ git+https://repository.invalid/book")
    }


@pytest.mark.parametrize("name", NAMES)
def test_no_myst_is_left_and_no_code_is_lost(copies, name):
    nb = nbformat.read(copies[name], as_version=4)
    nbformat.validate(nb)
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            left = re.search(
                r"^>?\s*:::|\{[a-z:]+\}`|\{prf|^:(?:label|class):|^\$\$ \(", cell.source, re.MULTILINE
            )
            assert not left, cell.source
    original = nbformat.read(colab.BOOK / f"{name}.ipynb", as_version=4)
    code = [cell.source for cell in nb.cells if cell.cell_type == "code"]
    assert code[1:] == [cell.source for cell in original.cells if cell.cell_type == "code"]
    assert "https://repository.invalid/book" in code[0]


def test_copies_that_need_trained_networks_fetch_them_first(copies):
    first = {name: nbformat.read(path, as_version=4).cells[0].source for name, path in copies.items()}
    fetching = {name for name, source in first.items() if "fetch()" in source}
    networks = {"trained_networks", "where_the_picture_lives", "a_network_that_hears"}
    assert fetching == networks | {"intro", "ten_minutes"}


def test_without_an_address_none_is_made_up():
    assert "http" not in colab.first_cell(None).source


def test_the_button_opens_the_copy():
    address = "https://colab.research.google.com/github/owner/name/blob/{}/book/iht.ipynb"
    button = {"text": "Colab", "url": address.format("main")}
    context = {"header_buttons": [{"label": "launch-buttons", "buttons": [button]}]}
    book_fixes.repair_page(None, "book/iht", "page.html", context, None)
    assert button["url"] == address.format("colab")


def test_a_copy_runs(copies):
    nb = nbformat.read(copies["intro"], as_version=4)
    NotebookClient(nb, timeout=300, kernel_name="python3").execute()
