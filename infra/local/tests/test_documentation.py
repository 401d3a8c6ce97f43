"""Links within the documentation resolve, and the README leads to every document."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LINK = re.compile(r"\]\(([^()\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
README_LINES = 120


def documents() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.split()]


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of the headings: lower case, no punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: Path) -> list[tuple[Path, str]]:
    """File and anchor of each link to a file in the project."""
    found = LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8")))
    inner = [link.partition("#") for link in found if "://" not in link and not link.startswith("mailto:")]
    return [((document.parent / path).resolve() if path else document, anchor) for path, _, anchor in inner]


class Documentation(unittest.TestCase):
    def test_every_link_leads_to_a_file_and_a_heading_that_exist(self):
        broken = [
            f"{document.relative_to(ROOT)}: {target.relative_to(ROOT)}#{anchor}"
            for document in documents()
            for target, anchor in links(document)
            if not target.exists() or (anchor and anchor not in anchors(target))
        ]
        self.assertEqual(broken, [])

    def test_the_readme_is_short_and_leads_to_every_document(self):
        readme = ROOT / "README.md"
        self.assertLessEqual(len(readme.read_text(encoding="utf-8").splitlines()), README_LINES)
        self.assertEqual(set(documents()) - {target for target, _ in links(readme)}, {readme})


if __name__ == "__main__":
    unittest.main()
