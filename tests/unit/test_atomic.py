import hashlib

from grapy_cli.atomic import file_digest


def test_the_digest_is_of_all_bytes(tmp_path):
    path = tmp_path / "file"
    data = bytes(range(256)) * 5000
    path.write_bytes(data)
    assert file_digest(path) == hashlib.sha256(data).hexdigest()
