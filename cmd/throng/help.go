package main

// The long help of commands that stand under another one, whose help says what they are about: an
// example each.

func example(line string) string { return "Example:\n  " + line }

func (releaseList) Help() string { return example("throng release list --dir /var/lib/throng") }
func (releaseShow) Help() string {
	return example("throng release show www/path/2026-11-22 --dir /var/lib/throng | sha256sum")
}
func (releaseExport) Help() string {
	return example("throng release export www/path/2026-11-22 --dir /var/lib/throng --format csv > readers.csv")
}

func (retentionPlan) Help() string {
	return example("throng retention plan --config throng.yaml --now 2026-12-24T00:00:00Z")
}
func (retentionApply) Help() string { return example("throng retention apply --config throng.yaml") }
func (retentionVerify) Help() string {
	return example("throng retention verify --config throng.yaml --json")
}
func (retentionReceipts) Help() string {
	return example("throng retention receipts --dir /var/lib/throng")
}

func (ledgerShow) Help() string   { return example("throng ledger show --dir /var/lib/throng --json") }
func (ledgerVerify) Help() string { return example("throng ledger verify --dir /var/lib/throng") }

func (keysInit) Help() string {
	return example("throng keys init --dir /var/lib/throng --import export.key")
}
func (keysExport) Help() string {
	return example("throng keys export --dir /var/lib/throng --valid-for 10m > export.key")
}
func (keysStatus) Help() string { return example("throng keys status --dir /var/lib/throng") }

func (engineServe) Help() string {
	return example("throng engine serve --dir /var/lib/throng --listen 127.0.0.1:8123")
}
func (brokerServe) Help() string {
	return example("throng broker serve --dir /var/lib/throng --listen 127.0.0.1:9092")
}

func (configCheck) Help() string { return example("throng config check --config throng.yaml") }
func (configPrint) Help() string {
	return example("THRONG_LOG_LEVEL=debug throng config print --config throng.yaml")
}
func (configSchema) Help() string { return example("throng config schema > throng.schema.json") }

func (versionCommand) Help() string { return example("throng version") }
