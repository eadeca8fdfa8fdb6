package clickhouse

import (
	"context"
	"errors"
	"unicode/utf8"

	"throng"
)

// MirrorRelease copies a release into the database, where SQL can reach it. The file is the release;
// this is a copy with the file's SHA-256 in hexadecimal. Copying it again changes nothing.
func (s *Store) MirrorRelease(ctx context.Context, id throng.ReleaseID, sha256 string, release []byte) error {
	if !utf8.Valid(release) {
		return errors.New("mirror release: it is not JSON")
	}
	row := map[string]any{
		"site": id.Site, "table": id.Table, "period": id.Period.String(), "sha256": sha256, "release": string(release),
	}
	return classify("mirror release", s.home().insertRow(ctx, "Store.MirrorRelease", id.String()+"@"+sha256, row))
}
