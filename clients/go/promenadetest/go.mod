module promenadetest

go 1.19
