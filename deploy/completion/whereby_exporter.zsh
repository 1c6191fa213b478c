#compdef whereby_exporter
# Written by go -C test run ./cmd/reference; do not edit.

local command= word
local -a subcommands flags
subcommands=(
    'run:Serve the metrics of a Whereby account (the default command).'
    'demo:Serve the metrics of a simulated account: no API key, no network.'
    'check:Check the configuration, or print what polling an account costs.'
    'backfill:Write past usage as OpenMetrics text, for promtool to make blocks of.'
    'alerts:Write the alerting rules, with the thresholds of the configuration file.'
    'dashboards:Write the Grafana dashboards.'
    'backup:Write a copy of a running exporter'\''s state.'
    'healthcheck:Ask a running exporter whether it is healthy; for containers without a shell.'
)
for word in ${words[2,CURRENT-1]}; do
    case $word in
    run|demo|check|backfill|alerts|dashboards|backup|healthcheck) command=$word; break ;;
    esac
done
case $command in
run|'') flags=(
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. Read again when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. Read again for every request, so the key can be rotated. Without it, WHEREBY_API_KEY may hold the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10, if you know it; without it, the exporter learns it from the answers.]:points: '
    '--whereby.rate-limit-share=[Share of the organization'\''s points per minute to spend at most, above 0 up to 1 (0.25).]:share: '
    '--poll.interval=[Time from one poll to the next, at least 1s (1m).]:duration: '
    '--poll.full-scan-interval=[Longest time between two full polls of the account (6h).]:duration: '
    '--storage.path=[Directory of the store; empty keeps state in memory only (data/).]:dir:_files -/'
    '--storage.restore-from=[File that the command backup wrote, to start from if --storage.path holds no store; ignored otherwise.]:file:_files'
    '--webhook.listen-address=[Address to receive webhooks on, the only one that has to face the internet; \:10037 once a secret is given. Empty turns webhooks off.]:address: '
    '--webhook.path=[Path of the webhook (/webhook).]:path: '
    '--webhook.secret-file=[File that holds the webhook'\''s secrets, one a line; any may match. Read again every 5 s, so a secret can be rotated. Without it, WHEREBY_WEBHOOK_SECRET may hold one.]:file:_files'
    '--webhook.max-age=[Age up to which a signature is accepted, at most 1h (5m).]:duration: '
    '--webhook.config.file=[TLS for the webhook'\''s address, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.listen-address=[Address to serve metrics on (\:10036). Repeatable.]:address: '
    '--web.systemd-socket[Use systemd socket activation instead of --web.listen-address.]'
    '--web.config.file=[TLS, basic authentication and HTTP headers, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.enable-lifecycle[Reload the configuration on POST /-/reload.]'
    '--web.enable-admin-api[Serve a copy of the state on POST /api/v1/admin/backup.]'
    '--web.telemetry-path=[Path of the metrics (/metrics).]:path: '
    '--sidecar.rules-dir=[Directory to keep the alerting rules in, one that a Prometheus loads rules from. They change with the configuration file.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload; it needs --web.enable-lifecycle there.]:url: '
    '--sidecar.http.config.file=[How to connect to that Prometheus, if its address has TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory to keep the dashboards in, one that Grafana'\''s provisioning reads them from.]:dir:_files -/'
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
    '--sidecar.rules-dir=[Directory to keep the alerting rules in, one that a Prometheus loads rules from. They change with the configuration file.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload; it needs --web.enable-lifecycle there.]:url: '
    '--sidecar.http.config.file=[How to connect to that Prometheus, if its address has TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory to keep the dashboards in, one that Grafana'\''s provisioning reads them from.]:dir:_files -/'
    '--history.file=[File to write half a year of the account'\''s history to, as the command backfill does, for promtool; a file that is there already stays as it is.]:file:_files'
    '--history.label=[A label that the scrape adds to the exporter'\''s series, such as job=whereby. Repeatable.]:name=value: '
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
check) flags=(
    '--online[Also make one call to Whereby'\''s API, and say what it costs.]'
    '--plan=[Print what to expect of an account on this Whereby plan, and check nothing.]:build|enterprise: '
    '--rooms=[With --plan\: rooms in the account (1000).]:n: '
    '--active=[With --plan\: rooms used within 24 hours (100, or all where there are fewer).]:n: '
    '--recordings=[With --plan\: recordings that Whereby stores (0).]:n: '
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. Read again when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. Read again for every request, so the key can be rotated. Without it, WHEREBY_API_KEY may hold the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10, if you know it; without it, the exporter learns it from the answers.]:points: '
    '--whereby.rate-limit-share=[Share of the organization'\''s points per minute to spend at most, above 0 up to 1 (0.25).]:share: '
    '--poll.interval=[Time from one poll to the next, at least 1s (1m).]:duration: '
    '--poll.full-scan-interval=[Longest time between two full polls of the account (6h).]:duration: '
    '--storage.path=[Directory of the store; empty keeps state in memory only (data/).]:dir:_files -/'
    '--storage.restore-from=[File that the command backup wrote, to start from if --storage.path holds no store; ignored otherwise.]:file:_files'
    '--webhook.listen-address=[Address to receive webhooks on, the only one that has to face the internet; \:10037 once a secret is given. Empty turns webhooks off.]:address: '
    '--webhook.path=[Path of the webhook (/webhook).]:path: '
    '--webhook.secret-file=[File that holds the webhook'\''s secrets, one a line; any may match. Read again every 5 s, so a secret can be rotated. Without it, WHEREBY_WEBHOOK_SECRET may hold one.]:file:_files'
    '--webhook.max-age=[Age up to which a signature is accepted, at most 1h (5m).]:duration: '
    '--webhook.config.file=[TLS for the webhook'\''s address, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.listen-address=[Address to serve metrics on (\:10036). Repeatable.]:address: '
    '--web.systemd-socket[Use systemd socket activation instead of --web.listen-address.]'
    '--web.config.file=[TLS, basic authentication and HTTP headers, in the exporter-toolkit'\''s format.]:file:_files'
    '--web.enable-lifecycle[Reload the configuration on POST /-/reload.]'
    '--web.enable-admin-api[Serve a copy of the state on POST /api/v1/admin/backup.]'
    '--web.telemetry-path=[Path of the metrics (/metrics).]:path: '
    '--sidecar.rules-dir=[Directory to keep the alerting rules in, one that a Prometheus loads rules from. They change with the configuration file.]:dir:_files -/'
    '--sidecar.reload-url=[Reload address of that Prometheus, such as http\://localhost\:9090/-/reload; it needs --web.enable-lifecycle there.]:url: '
    '--sidecar.http.config.file=[How to connect to that Prometheus, if its address has TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--sidecar.dashboards-dir=[Directory to keep the dashboards in, one that Grafana'\''s provisioning reads them from.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
backfill) flags=(
    '--output=[File to write; where it must be cut, FILE, FILE.1 and so on. Work in progress is kept in FILE.partial.]:file:_files'
    '--start=[When the history begins, as in 2026-01-31T00\:00\:00Z (the first session).]:time: '
    '--end=[When it ends\: at the exporter'\''s first scrape or before (three hours ago).]:time: '
    '--interval=[Time from one sample to the next; it divides a day (15m).]:duration: '
    '--label=[A label that the scrape adds to the exporter'\''s series, such as job=whereby. Repeatable.]:name=value: '
    '--concurrency[Also write the peak of concurrent participants by hour; it costs a request for each session.]'
    '--storage.path=[Storage directory of an exporter that is stopped, or a copy of it\: it knows rooms that Insights no longer show.]:dir:_files -/'
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. Read again when it changes, and on SIGHUP.]:file:_files'
    '--whereby.url=[Address of Whereby'\''s API (https\://api.whereby.dev/v1).]:url: '
    '--whereby.api-key-file=[File that holds the API key. Read again for every request, so the key can be rotated. Without it, WHEREBY_API_KEY may hold the key itself.]:file:_files'
    '--whereby.read-cost=[Points that a read costs, 1 to 10, if you know it; without it, the exporter learns it from the answers.]:points: '
    '--whereby.rate-limit-share=[Share of the organization'\''s points per minute to spend at most, above 0 up to 1 (0.25).]:share: '
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
alerts) flags=(
    '--config.file=[Configuration file\: customers, quotas, billing periods, HTTP client settings. Read again when it changes, and on SIGHUP.]:file:_files'
    '--output-dir=[Directory to write the rules to, a file for each concern; without it they go to standard output.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
dashboards) flags=(
    '--output-dir=[Directory to write the dashboards to, one that Grafana'\''s provisioning reads, or to import them from.]:dir:_files -/'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
backup) flags=(
    '--output=[File to write. It is replaced as a whole, and left as it is if no backup could be taken.]:file:_files'
    '--url=[Address of the exporter (http\://localhost\:10036).]:url: '
    '--http.config.file=[How to connect to it, if its address has TLS or a password\: an http_config as in Prometheus, with basic_auth and tls_config.]:file:_files'
    '--help[Show context-sensitive help.]'
    '--log.level=[Least severe level to log\: debug,info,warn,error (info).]:value:(debug info warn error)'
    '--log.format=[Format of the log\: logfmt,json (logfmt).]:value:(logfmt json)'
    '--version[Print the version and exit.]'
) ;;
healthcheck) flags=(
    '--url=[Address to ask, by default /-/healthy of this machine'\''s exporter, with TLS if it has TLS.]:url: '
    '--ready[Ask /-/ready instead\: whether a poll has succeeded. A password hides that, and then it is enough that it serves.]'
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
