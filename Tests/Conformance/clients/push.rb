# Pushes with the Ruby client library: push.rb URL replace|add|delete
require 'prometheus/client'
require 'prometheus/client/push'

url, what = ARGV
registry = Prometheus::Client::Registry.new
rows = registry.counter(:ruby_rows_total, 'Rows read.')
rows.increment({ table: 'a"b\\' }, what == 'add' ? 2 : 1)
registry.gauge(:ruby_size_bytes, 'Size.').set({}, 7) if what == 'replace'
push = Prometheus::Client::Push.new(job: 'ruby', instance: 'a b', gateway: url)
answer = what == 'delete' ? push.delete : push.send(what, registry)
puts answer.code
exit answer.code.start_with?('2') ? 0 : 1
