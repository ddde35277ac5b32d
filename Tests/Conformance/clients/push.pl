# Exposes with the Perl client library and pushes that: push.pl URL PUT|POST|DELETE
use strict;
use warnings;
use HTTP::Tiny;
use Net::Prometheus;

my ($url, $method) = @ARGV;
my $client = Net::Prometheus->new(disable_process_collector => 1, disable_perl_collector => 1);
$client->new_counter(name => "perl_rows", help => "Rows read.", labels => ["table"])->inc("a\"b\\", $method eq "POST" ? 2 : 1);
if ($method eq "PUT") {
    $client->new_summary(name => "perl_step_seconds", help => "Steps.")->observe(0.5);
    my $histogram = $client->new_histogram(name => "perl_sizes", help => "Sizes.", buckets => [1, 10]);
    $histogram->observe($_) for 0.5, 5, 50;
}
my %options = $method eq "DELETE" ? () : (content => $client->render, headers => { "Content-Type" => "text/plain; version=0.0.4" });
my $answer = HTTP::Tiny->new->request($method, "$url/metrics/job/perl", \%options);
print "$answer->{status} $answer->{content}\n";
exit($answer->{success} ? 0 : 1);
