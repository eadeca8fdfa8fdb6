package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"throng"
)

// maxVersions bounds how many versions are asked for.
const maxVersions = 100_000

// readMethods reads the versions of the method and checks that they are one chain. There may be none: then
// it claims nothing.
func (r *run) readMethods(ctx context.Context) error {
	if _, err := r.Files.ReadFile(ctx, throng.MethodVersion{Number: 1}.Path()); errors.Is(err, fs.ErrNotExist) && (r.manifest == nil || len(r.manifest.Methods) == 0) {
		return nil
	}
	c := r.report.claim("the versions of the method are one unbroken chain of hashes, and none is missing")
	prev := ""
	listed := 0
	if r.manifest != nil {
		listed = len(r.manifest.Methods)
	}
	for number := 1; number <= maxVersions; number++ {
		name := throng.MethodVersion{Number: number}.Path()
		b, err := r.Files.ReadFile(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			if number <= listed {
				c.fault(name, "the manifest lists it, and it is not there")
			}
			break
		}
		if err != nil {
			return fmt.Errorf("read method version: %w", err)
		}
		c.Looked++
		if number <= listed && (r.manifest.Methods[number-1].Path != name || r.manifest.Methods[number-1].SHA256 != digest(b)) {
			c.fault(name, "its SHA-256 is not the one in the manifest")
		}
		var v throng.MethodVersion
		if err := decode(b, &v); err != nil || v.Format != throng.MethodVersionFormat {
			c.fault(name, "it is not of the form %s", throng.MethodVersionFormat)
			break
		}
		if v.Number != number || v.Prev != prev {
			c.fault(name, "it does not follow the version before it: one was changed, or left out; compare with the copies that you noted")
		}
		prev, r.version = digest(b), &v
	}
	return nil
}

// compareVersion notes that the stated method is not the last version's.
func (r *run) compareVersion(m throng.MethodStatement) {
	if r.version == nil {
		return
	}
	stated, err := json.Marshal(m)
	last, err2 := json.Marshal(r.version.Method)
	if errors.Join(err, err2) != nil || string(stated) != string(last) {
		r.report.Notes = append(r.report.Notes, fmt.Sprintf("%s is not version %d of the method, the last that was recorded: releases will be made otherwise from the next start on, or were made by another program", throng.MethodName, r.version.Number))
	}
}
