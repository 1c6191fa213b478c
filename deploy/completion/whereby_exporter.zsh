#compdef whereby_exporter
# Written by go -C test run ./cmd/reference; do not edit.

local command= word
local -a subcommands flags
subcommands=(
    'run:Serve the metrics of a Whereby account (the default command).'
    'demo:Serve the metrics of a simulated account: no API key, no network.'
    'check:Check the configuration, or print what polling an account costs.'
    'backfill:Write past usage as OpenMetrics text, for promtool to create blocks from.'
    'alerts:Write the alerting rules, with the thresholds of the configuration file.'
    'dashboards:Write the Grafana dashboards.'
    'backup:Write a copy of a running exporter'\''s state.'
    'healthcheck:Check whether a running exporter is healthy; for containers without a shell.'
)
for word in ${words[2,CURRENT-1]}; do
    case $word in
    run|demo|check|backfill|alerts|dashboards|backup|healthcheck) command=$word; break ;;
    esac
done
case $command in
run|'') flags=(
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. It is reloaded when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. It is read for every request, so the key can be rotated. Alternatively, set WHEREBY_API_KEY to the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10. Without it, the exporter learns the cost from Whereby'\''s responses.]:points: '
    '--whereby.rate-limit-share=[Largest share of the organization'\''s points per minute to spend, above 0 and at most 1 (0.25).]:share: '
    '--poll.interval=[Time between polls, at least 1s (1m).]:duration: '
    '--poll.full-scan-interval=[Longest time between full polls of the account (6h).]:duration: '
    '--storage.path=[Directory of the store. If empty, state is kept in memory only (data/).]:dir:_files -/'
    '--storage.restore-from=[Backup to start from if --storage.path holds no store, written by the backup command. Ignored otherwise.]:file:_files'
    '--webhook.listen-address=[Address to receive webhooks on, the only one that must be reachable from the internet. Defaults to \:10037 if a secret is set; empty turns webhooks off.]:address: '
    '--webhook.path=[Path of the webhook (/webhook).]:path: '
    '--webhook.secret-file=[File that holds the webhook'\''s secrets, one per line; any may match. It is read every 5 s, so a secret can be rotated. Alternatively, set WHEREBY_WEBHOOK_SECRET to one secret.]:file:_files'
    '--webhook.max-age=[Maximum age of a signature, at most 1h (5m).]:duration: '
    '--webhook.config.file=[TLS for the webhook'\''s address, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.listen-address=[Address to serve metrics on (\:10036). Repeatable.]:address: '
    '--web.systemd-socket[Use systemd socket activation instead of --web.listen-address.]'
    '--web.config.file=[TLS, basic authentication and HTTP headers, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.enable-lifecycle[Reload the configuration on POST /-/reload.]'
    '--web.enable-admin-api[Serve a copy of the state on POST /api/v1/admin/backup.]'
    '--web.telemetry-path=[Path of the metrics (/metrics).]:path: '
    '--sidecar.rules-dir=[Directory in which to keep the alerting rules up to date with the configuration file. A Prometheus must load its rules from there.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload. Prometheus needs --web.enable-lifecycle for it.]:url: '
    '--sidecar.http.config.file=[HTTP client configuration for that Prometheus, if it requires TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory in which to keep the dashboards up to date. Grafana'\''s provisioning must read them from there.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
demo) flags=(
    '--web.listen-address=[Address to serve metrics on (\:10036). Repeatable.]:address: '
    '--web.systemd-socket[Use systemd socket activation instead of --web.listen-address.]'
    '--web.config.file=[TLS, basic authentication and HTTP headers, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.enable-lifecycle[Reload the configuration on POST /-/reload.]'
    '--web.enable-admin-api[Serve a copy of the state on POST /api/v1/admin/backup.]'
    '--web.telemetry-path=[Path of the metrics (/metrics).]:path: '
    '--sidecar.rules-dir=[Directory in which to keep the alerting rules up to date with the configuration file. A Prometheus must load its rules from there.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload. Prometheus needs --web.enable-lifecycle for it.]:url: '
    '--sidecar.http.config.file=[HTTP client configuration for that Prometheus, if it requires TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory in which to keep the dashboards up to date. Grafana'\''s provisioning must read them from there.]:dir:_files -/'
    '--history.file=[File to write half a year of the account'\''s history to, as the backfill command does, for promtool. An existing file is left unchanged.]:file:_files'
    '--history.label=[Label that the scrape adds to the exporter'\''s series, such as job=whereby. Repeatable.]:name=value: '
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
check) flags=(
    '--online[Also make one call to Whereby'\''s API, and report its cost.]'
    '--plan=[Print what to expect for an account on this Whereby plan, instead of checking.]:build|enterprise: '
    '--rooms=[With --plan\: rooms in the account (1000).]:n: '
    '--active=[With --plan\: rooms used within 24 hours (100, or all if there are fewer).]:n: '
    '--recordings=[With --plan\: recordings that Whereby stores (0).]:n: '
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. It is reloaded when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. It is read for every request, so the key can be rotated. Alternatively, set WHEREBY_API_KEY to the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10. Without it, the exporter learns the cost from Whereby'\''s responses.]:points: '
    '--whereby.rate-limit-share=[Largest share of the organization'\''s points per minute to spend, above 0 and at most 1 (0.25).]:share: '
    '--poll.interval=[Time between polls, at least 1s (1m).]:duration: '
    '--poll.full-scan-interval=[Longest time between full polls of the account (6h).]:duration: '
    '--storage.path=[Directory of the store. If empty, state is kept in memory only (data/).]:dir:_files -/'
    '--storage.restore-from=[Backup to start from if --storage.path holds no store, written by the backup command. Ignored otherwise.]:file:_files'
    '--webhook.listen-address=[Address to receive webhooks on, the only one that must be reachable from the internet. Defaults to \:10037 if a secret is set; empty turns webhooks off.]:address: '
    '--webhook.path=[Path of the webhook (/webhook).]:path: '
    '--webhook.secret-file=[File that holds the webhook'\''s secrets, one per line; any may match. It is read every 5 s, so a secret can be rotated. Alternatively, set WHEREBY_WEBHOOK_SECRET to one secret.]:file:_files'
    '--webhook.max-age=[Maximum age of a signature, at most 1h (5m).]:duration: '
    '--webhook.config.file=[TLS for the webhook'\''s address, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.listen-address=[Address to serve metrics on (\:10036). Repeatable.]:address: '
    '--web.systemd-socket[Use systemd socket activation instead of --web.listen-address.]'
    '--web.config.file=[TLS, basic authentication and HTTP headers, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.enable-lifecycle[Reload the configuration on POST /-/reload.]'
    '--web.enable-admin-api[Serve a copy of the state on POST /api/v1/admin/backup.]'
    '--web.telemetry-path=[Path of the metrics (/metrics).]:path: '
    '--sidecar.rules-dir=[Directory in which to keep the alerting rules up to date with the configuration file. A Prometheus must load its rules from there.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload. Prometheus needs --web.enable-lifecycle for it.]:url: '
    '--sidecar.http.config.file=[HTTP client configuration for that Prometheus, if it requires TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory in which to keep the dashboards up to date. Grafana'\''s provisioning must read them from there.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
backfill) flags=(
    '--output=[File to write. Output that must be split goes to FILE, FILE.1 and so on. Work in progress is kept in FILE.partial.]:file:_files'
    '--start=[Start of the history, such as 2026-01-31T00\:00\:00Z (the first session).]:time: '
    '--end=[End of the history\: the exporter'\''s first scrape, or earlier (three hours ago).]:time: '
    '--interval=[Time between samples; it must divide a day (15m).]:duration: '
    '--label=[Label that the scrape adds to the exporter'\''s series, such as job=whereby. Repeatable.]:name=value: '
    '--concurrency[Also write the hourly peak of concurrent participants. This costs one request per session.]'
    '--storage.path=[Storage directory of a stopped exporter, or a copy of it\: it knows rooms that Insights no longer shows.]:dir:_files -/'
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. It is reloaded when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. It is read for every request, so the key can be rotated. Alternatively, set WHEREBY_API_KEY to the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10. Without it, the exporter learns the cost from Whereby'\''s responses.]:points: '
    '--whereby.rate-limit-share=[Largest share of the organization'\''s points per minute to spend, above 0 and at most 1 (0.25).]:share: '
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
alerts) flags=(
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. It is reloaded when it changes, and on SIGHUP.]:file:_files'
    '--output-dir=[Directory to write the rules to, one file per concern. Without it, they go to standard output.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
dashboards) flags=(
    '--output-dir=[Directory to write the dashboards to, for Grafana'\''s provisioning or for import by hand.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
backup) flags=(
    '--output=[File to write. It is replaced atomically, and left unchanged if the backup fails.]:file:_files'
    '--url=[Address of the exporter (http\://localhost\:10036).]:url: '
    '--http.config.file=[HTTP client configuration, if the exporter requires TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
healthcheck) flags=(
    '--url=[Address to query. By default, /-/healthy of the exporter on this machine, over TLS if the exporter uses it.]:url: '
    '--ready[Query /-/ready instead, which reports whether a poll has succeeded. An exporter that asks for a password counts as ready.]'
    '--web.listen-address=[Address that the exporter serves metrics on (\:10036).]:address: '
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
esac
if [[ -z $command && ${words[CURRENT]} != -* ]]; then
    _describe command subcommands
else
    _arguments $flags '*: :'
fi
