{{- define "vestibule.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "vestibule.selector" -}}
app.kubernetes.io/name: vestibule
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "vestibule.labels" -}}
{{ include "vestibule.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* The operator's settings stand first: what they begin with belongs to no table, and would to one that was written before them. */}}
{{- define "vestibule.settings" -}}
{{ .Values.project.settings | trimSuffix "\n" }}
{{- if .Values.keys }}

[keys]
source = "file"
file = "/keys/keys.json"
{{- end }}
{{- end -}}

{{/* Whether settings have [keys] themselves, in any of the spellings that TOML has for a table: a header, or names that stand before the first header. */}}
{{- define "vestibule.keyed" -}}
{{- $top := regexFind `\A([ \t]*([^\[ \t\r\n][^\n]*)?\r?(\n|\z))*` .Values.project.settings -}}
{{- if or (regexMatch `(?m)^[ \t]*\[+[ \t]*["']?keys["']?[ \t]*[\].]` .Values.project.settings) (regexMatch `(?m)^[ \t]*["']?keys["']?[ \t]*[=.]` $top) -}}
yes
{{- end -}}
{{- end -}}

{{/* Whether the store is on PostgreSQL, or a variable says where it is: settings name it in their section [store], in a line that is no comment. */}}
{{- define "vestibule.shared" -}}
{{- $store := regexFind `(?m)^[ \t]*\[[ \t]*store[ \t]*\][^\n]*(\n[ \t]*([^\[ \t\n][^\n]*)?)*` .Values.project.settings -}}
{{- if regexMatch `(?m)^[ \t]*url[ \t]*=[ \t]*["'](postgres(ql)?://|&\{)` $store -}}
yes
{{- end -}}
{{- end -}}

{{/* What cannot run, or would lose what people did, is refused before anything is installed. */}}
{{- define "vestibule.possible" -}}
{{- $shared := and .Values.project.conf (include "vestibule.shared" .) -}}
{{- if lt (int .Values.replicas) 0 }}{{ fail "replicas: not less than 0" }}{{ end -}}
{{- if and (gt (int .Values.replicas) 1) (not $shared) }}{{ fail "replicas: more than one node needs a store on PostgreSQL, [store] url in project.settings, and project.conf" }}{{ end -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.keys) }}{{ fail "keys: several nodes need the same keys; name a Secret that holds keys.json" }}{{ end -}}
{{- if and .Values.keys (not .Values.project.conf) }}{{ fail "keys: they are named by settings, which count with project.conf only" }}{{ end -}}
{{- if and .Values.keys (include "vestibule.keyed" .) }}{{ fail "project.settings: without [keys], which is written for the Secret that keys names" }}{{ end -}}
{{- if and .Values.data (gt (int .Values.replicas) 1) }}{{ fail "data: a claim is for one node; several keep what lasts on PostgreSQL" }}{{ end -}}
{{- if lt (int .Values.drainSeconds) 0 }}{{ fail "drainSeconds: not less than 0" }}{{ end -}}
{{- if lt (int .Values.startAttempts) 1 }}{{ fail "startAttempts: at least 1" }}{{ end -}}
{{- end -}}
