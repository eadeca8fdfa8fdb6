package accesslog

// structuredPresets are the formats whose lines name their fields.
func structuredPresets() []Preset {
	return append(append(serverJSONPresets(), w3cPresets()...),
		Preset{
			Name:  "ltsv",
			Title: "Labeled tab-separated values (LTSV)",
			Snippets: []Snippet{
				{Server: "nginx", Language: "nginx", Text: `log_format ltsv "time:$time_local\thost:$remote_addr\tforwardedfor:$http_x_forwarded_for\tuser:$remote_user\t"
                "req:$request\tstatus:$status\tsize:$body_bytes_sent\treferer:$http_referer\tua:$http_user_agent\t"
                "vhost:$host\treqtime:$request_time\tdnt:$http_dnt\tsec_gpc:$http_sec_gpc";
access_log /var/log/nginx/access.ltsv ltsv;`},
				{Server: "Apache", Language: "apache", Text: `LogFormat "time:%t\thost:%h\tforwardedfor:%{X-Forwarded-For}i\tuser:%u\treq:%r\tstatus:%>s\tsize:%B\treferer:%{Referer}i\tua:%{User-Agent}i\tvhost:%v\treqtime_microsec:%D\tdnt:%{DNT}i\tsec_gpc:%{Sec-GPC}i" ltsv
CustomLog ${APACHE_LOG_DIR}/access.ltsv ltsv`},
			},
			Notes: "The labels are those of ltsv.org, in any order, and the names of nginx's variables. The label `host` is the client's address, unless\n" +
				"another label (such as `remote_addr`) is; then it is the server's name. " + keysNote,
			keys: ltsvLabels, keyed: newLabels, weigh: always,
		},
		Preset{
			Name:  "json",
			Title: "JSON lines with the usual keys",
			Snippets: []Snippet{{Server: "nginx", Language: "nginx", Text: `log_format json escape=json
    '{"time_iso8601":"$time_iso8601","remote_addr":"$remote_addr","request":"$request",'
    '"status":$status,"body_bytes_sent":$body_bytes_sent,"host":"$host",'
    '"http_referer":"$http_referer","http_user_agent":"$http_user_agent",'
    '"http_dnt":"$http_dnt","http_sec_gpc":"$http_sec_gpc"}';
access_log /var/log/nginx/access.json json;`}},
			Notes: "One object a line, with the names of nginx's variables, those of the Elastic Common Schema, those of every other JSON format of this\n" +
				"page, or those of the NDJSON of `throng parse`. Of several keys of one field one counts. Objects inside are read where a known key\n" +
				"leads through them. A line is refused that is not one object, or that has neither a status nor a request. " + keysNote,
			keys: jsonKeys, keyed: newObject, weigh: always,
		},
	)
}

const keysNote = "Other names are configured with a source's `keys`, or `--key FIELD=NAME`."

// serverJSONPresets are the JSON formats of servers that choose their keys themselves.
func serverJSONPresets() []Preset { //nolint:revive // a table, not a procedure
	return []Preset{
		{
			Name:  "caddy",
			Title: "Caddy's JSON access log",
			Snippets: []Snippet{{Server: "Caddy", Language: "caddyfile", Text: `example.org {
    log {
        output file /var/log/caddy/access.json
        format json
    }
}`}},
			Notes: "Caddy logs every request header field, the signals among them. `client_ip` counts before `remote_ip`: it heeds Caddy's `trusted_proxies`. " +
				"Its messages that are no requests are refused.",
			keys: caddyKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "traefik_json",
			Title: "Traefik's JSON access log",
			Snippets: []Snippet{{Server: "Traefik", Language: "yaml", Text: `accessLog:
  filePath: /var/log/traefik/access.json
  format: json
  fields:
    headers:
      names:
        User-Agent: keep
        Referer: keep
        X-Forwarded-For: keep
        Dnt: keep
        Sec-Gpc: keep`}},
			Notes: "Traefik leaves header fields out unless they are kept by name.",
			keys:  traefikKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "envoy_json",
			Title: "Envoy's and Istio's JSON access log",
			Snippets: []Snippet{{Server: "Envoy", Language: "yaml", Text: `access_log:
  - name: envoy.access_loggers.file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /var/log/envoy/access.json
      log_format:
        json_format:
          start_time: "%START_TIME%"
          downstream_remote_address: "%DOWNSTREAM_REMOTE_ADDRESS%"
          x_forwarded_for: "%REQ(X-FORWARDED-FOR)%"
          method: "%REQ(:METHOD)%"
          path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
          protocol: "%PROTOCOL%"
          response_code: "%RESPONSE_CODE%"
          bytes_sent: "%BYTES_SENT%"
          duration: "%DURATION%"
          referer: "%REQ(REFERER)%"
          user_agent: "%REQ(USER-AGENT)%"
          authority: "%REQ(:AUTHORITY)%"
          dnt: "%REQ(DNT)%"
          sec_gpc: "%REQ(SEC-GPC)%"`}},
			Notes: "`duration` is in milliseconds.",
			keys:  envoyKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "cloudflare",
			Title: "Cloudflare Logpush, dataset `http_requests`",
			Snippets: []Snippet{{Server: "Cloudflare", Language: "json", Text: `{"output_options": {
  "field_names": ["ClientIP", "EdgeStartTimestamp", "ClientRequestMethod", "ClientRequestURI", "ClientRequestProtocol",
    "EdgeResponseStatus", "EdgeResponseBytes", "ClientRequestReferer", "ClientRequestUserAgent", "ClientRequestHost", "RequestHeaders"],
  "timestamp_format": "rfc3339"}}`}},
			Notes: "All of Logpush's timestamp formats are read: `rfc3339`, `unix` and `unixnano`. The signals need custom fields for the request headers `dnt` and `sec-gpc`.",
			keys:  cloudflareKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "cloudfront_json",
			Title: "CloudFront's standard logging (v2) in JSON",
			Snippets: []Snippet{{Server: "CloudFront", Language: "sh", Text: `aws logs put-delivery-destination --name access-logs --output-format json \
    --delivery-destination-configuration destinationResourceArn=arn:aws:s3:::BUCKET`}},
			Notes: "Values that CloudFront encodes like URLs are decoded. It logs no signal fields.",
			keys:  cloudFrontKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "aws_waf",
			Title: "AWS WAF's web ACL traffic log",
			Snippets: []Snippet{{Server: "AWS WAF", Language: "sh", Text: `aws wafv2 put-logging-configuration --logging-configuration \
    ResourceArn=arn:aws:wafv2:REGION:ACCOUNT:regional/webacl/NAME/ID,LogDestinationConfigs=arn:aws:s3:::aws-waf-logs-BUCKET`}},
			Notes: "It has the request's header fields, the signals among them, and no status: its lines are no page views by themselves.",
			keys:  wafKeys, keyed: newObject, weigh: weighRequest,
		},
		{
			Name:  "apigateway_json",
			Title: "Amazon API Gateway's access log in JSON",
			Snippets: []Snippet{{Server: "API Gateway", Language: "json", Text: `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","user":"$context.identity.user",` +
				`"requestTime":"$context.requestTime","httpMethod":"$context.httpMethod","path":"$context.path","status":"$context.status",` +
				`"protocol":"$context.protocol","responseLength":"$context.responseLength","userAgent":"$context.identity.userAgent","domainName":"$context.domainName"}`}},
			Notes: "The console's own proposal lacks `path`, `userAgent` and `domainName`; without `path` nothing can be counted.",
			keys:  apiGatewayKeys, keyed: newObject, weigh: weighRequest,
		},
	}
}

// w3cPresets are W3C extended logs.
func w3cPresets() []Preset {
	const fixedNote = "Lines before the first `#Fields`, such as those of `tail`, are taken for those of the fields that it has by default, if they have an address where it has the client's. "
	return []Preset{
		{
			Name:  "cloudfront",
			Title: "CloudFront's standard log",
			Snippets: []Snippet{{Server: "CloudFront", Language: "sh", Text: `aws logs put-delivery-destination --name access-logs --output-format w3c \
    --delivery-destination-configuration destinationResourceArn=arn:aws:s3:::BUCKET`}},
			Notes: "A W3C log with tabs between values, which are encoded like URLs. " + fixedNote + "It logs no signal fields.",
			keys:  w3cColumns, keyed: w3cOf(cloudFront, cloudFrontFields), weigh: weighSoftware(cloudFront),
		},
		{
			Name:  "iis",
			Title: "IIS's W3C log",
			Snippets: []Snippet{{Server: "IIS", Language: "xml", Text: `<logFile logFormat="W3C" logExtFileFlags="Date, Time, ClientIP, UserName, Method, UriStem, UriQuery, HttpStatus, HttpSubStatus, Win32Status, BytesSent, TimeTaken, ProtocolVersion, Host, UserAgent, Referer">
  <customFields>
    <add logFieldName="DNT" sourceName="DNT" sourceType="RequestHeader" />
    <add logFieldName="Sec-GPC" sourceName="Sec-GPC" sourceType="RequestHeader" />
    <add logFieldName="X-Forwarded-For" sourceName="X-Forwarded-For" sourceType="RequestHeader" />
  </customFields>
</logFile>`}},
			Notes: "A W3C log with `+` for the blanks in a user agent and `time-taken` in milliseconds. " + fixedNote +
				"Times are UTC, as IIS writes them. `keys` names columns, such as that of a custom field.",
			keys: w3cColumns, keyed: w3cOf(iis, iisFields), weigh: weighSoftware(iis),
		},
		{
			Name:  "w3c",
			Title: "W3C extended log file format",
			Snippets: []Snippet{{Server: "Any server", Language: "text", Text: `#Version: 1.0
#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs-host cs(Referer) cs(User-Agent) cs(DNT) cs(Sec-GPC)`}},
			Notes: "The lines that begin with `#` say which fields follow; they may change within a file, and are no refused lines. Lines before the first\n" +
				"`#Fields` are refused; for those, write the directive as the format: `--format '#Fields: date time …'`. Values have blanks or tabs between\n" +
				"them; `-` is none. Without a `date` field the last `#Date` counts. Times are UTC. " + keysNote,
			keys: w3cColumns, keyed: w3cOf("", ""), weigh: always,
		},
	}
}
