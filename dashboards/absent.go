package dashboards

import (
	"strings"

	"throng"
)

// absent is the answer about a path that is not published. It follows from the path and the
// published groups alone, so that it is the same whether the path was visited or not.
type absent struct {
	Path string
	// Group is the published group in which its visits count if there were any; "" is none.
	Group  string
	Prefix string
	URL    string
	Visits cell
}

// absentPath answers about path; ok is false where it is published. A text that is no path has no
// answer.
func absentPath(rel *throng.Release, path, base string) (answer absent, ok bool) {
	if !strings.HasPrefix(path, "/") || isPublished(rel.Rows, path) {
		return absent{}, false
	}
	answer.Path = path
	for prefix := path; prefix != ""; {
		prefix = prefix[:strings.LastIndexByte(prefix, '/')]
		if row, ok := find(rel.Rows, prefix+"/"+throng.Other); ok {
			answer.Group, answer.Prefix, answer.Visits = row.Key, prefix+"/", cellOf(row.Visits)
			answer.URL = selection{Query: row.Key, Sort: defaultSort, Descending: true}.url(base)
			break
		}
	}
	return answer, true
}
