"""The events that workstations report: how their JSON is read, checked and put into the stored form."""
