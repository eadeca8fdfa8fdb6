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

//go:embed users.xml.tmpl
var usersText string

var (
	escaping       = template.FuncMap{"xml": escapeXML}
	configTemplate = template.Must(template.New("config.xml").Funcs(escaping).Parse(configText))
	usersTemplate  = template.Must(template.New("users.xml").Funcs(escaping).Parse(usersText))
)

// ownGrants are what the program needs.
const ownGrants = "GRANT SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP DATABASE, DROP TABLE, DROP VIEW, ALTER, TRUNCATE, OPTIMIZE, SHOW, KILL QUERY ON *.*"

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
	var who bytes.Buffer
	if err := usersTemplate.Execute(&who, o.Grants); err != nil {
		return err
	}
	if err := durable.WriteFile(users, who.Bytes()); err != nil {
		return err
	}
	return durable.WriteFile(configFile(o.Dir), b.Bytes())
}

func escapeXML(s string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(s))
	return b.String(), err
}
