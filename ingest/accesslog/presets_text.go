package accesslog

const (
	common   = `$remote_addr $ident $remote_user [$time_local] "$request" $status $body_bytes_sent`
	combined = common + ` "$http_referer" "$http_user_agent"`
	signals  = ` "$http_dnt" "$http_sec_gpc"`
)

// textPresets are the formats whose lines are values in a fixed order.
func textPresets() []Preset {
	return []Preset{
		{
			Name:  "combined_signals",
			Title: "Combined log format with the opt-out signals",
			Snippets: []Snippet{
				{Server: "nginx", Language: "nginx", Text: `log_format combined_signals '$remote_addr - $remote_user [$time_local] "$request" '
                            '$status $body_bytes_sent "$http_referer" "$http_user_agent" '
                            '"$http_dnt" "$http_sec_gpc"';
access_log /var/log/nginx/access.log combined_signals;`},
				{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" \"%{DNT}i\" \"%{Sec-GPC}i\"" combined_signals
CustomLog ${APACHE_LOG_DIR}/access.log combined_signals`},
			},
			Notes:  "Lines that end before the signals (written before the format was changed) are read as without signal.",
			layout: combined, optional: signals,
			weigh: weighSignals,
		},
		{
			Name:  "vhost_combined",
			Title: "Combined log format after the host",
			Snippets: []Snippet{{Server: "Apache", Language: "apache",
				Text: `LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined`}},
			Notes:  "The host may have a port or none.",
			layout: `$host ` + combined,
			weigh:  weighAddress,
		},
		{
			Name:  "combined",
			Title: "Combined log format",
			Snippets: []Snippet{
				{Server: "nginx", Language: "nginx", Text: `access_log /var/log/nginx/access.log combined;`},
				{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined`},
			},
			Notes:  "More fields may follow the user agent; they are not read.",
			layout: combined,
			weigh:  always,
		},
		{
			Name:     "common",
			Title:    "Common log format",
			Snippets: []Snippet{{Server: "Apache", Language: "apache", Text: `LogFormat "%h %l %u %t \"%r\" %>s %b" common`}},
			Notes:    "Nothing may follow the size. It has neither user agent nor referrer, so bots cannot be told.",
			layout:   common,
			weigh:    always,
		},
	}
}
