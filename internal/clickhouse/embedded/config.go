package embedded

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"path/filepath"
	"text/template"

	"throng/internal/durable"
)

//go:embed config.xml.tmpl
var configText string

//go:embed users.xml
var usersText []byte

var configTemplate = template.Must(template.New("config.xml").Funcs(template.FuncMap{"xml": escapeXML}).Parse(configText))

func configFile(dir string) string { return filepath.Join(dir, "config.xml") }
func dataDir(dir string) string    { return filepath.Join(dir, "data") }

// writeConfig writes the engine's configuration. Without one of its own the engine would read a
// config.xml in whatever directory the process was started.
func writeConfig(o Options) error {
	var b bytes.Buffer
	users := filepath.Join(o.Dir, "users.xml")
	err := configTemplate.Execute(&b, struct {
		Users                 string
		MemoryLimit, KeepFree uint64
	}{users, o.MemoryLimit, o.KeepFreeBytes})
	if err != nil {
		return err
	}
	if err := durable.WriteFile(users, usersText); err != nil {
		return err
	}
	return durable.WriteFile(configFile(o.Dir), b.Bytes())
}

func escapeXML(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}
