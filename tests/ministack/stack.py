"""Makes what infra/template.yaml describes by calls to the AWS APIs of a stand-in, which takes no HTTP API from SAM."""

import io
import json
import platform
import re
import shutil
import subprocess
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3

from template import Template

REGION, ACCOUNT = "us-east-1", "000000000000"
# The stand-in asks for no permission, and CreateFunction for a role.
ROLE = f"arn:aws:iam::{ACCOUNT}:role/functions"


class Stack:
    """The stack's resources; each is made when something first names it."""

    def __init__(self, path, endpoint, binaries, parameters, variables):
        self.endpoint, self.binaries, self.variables = endpoint, Path(binaries), variables
        self.made, self.routes = {}, []
        machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
        pseudo = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
        pseudo |= {"AWS::StackName": "stack", "AWS::URLSuffix": "amazonaws.com"}
        self.template = Template(path, {"Architecture": machine} | parameters, pseudo, self.resource)

    def client(self, service):
        secret = dict(aws_access_key_id="test", aws_secret_access_key="test")
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, **secret)

    def make(self):
        """Everything, and then what starts the functions."""
        functions = self.template.resources("AWS::Serverless::Function")
        with ThreadPoolExecutor() as pool:
            self.packages = dict(zip(functions, pool.map(self.package, functions)))
        for kind in self.MAKERS:
            for name in self.template.resources(kind):
                self.resource(name)
        for name in functions:
            for event, given in self.template.given(name)["Properties"].get("Events", {}).items():
                self.EVENTS[given["Type"]](self, name, event, self.template.resolve(given["Properties"]))
        self.client("apigatewayv2").create_stage(ApiId=self.made["Api"]["Ref"], StageName="$default", AutoDeploy=True)

    def resource(self, name):
        if name not in self.made:
            self.made[name] = self.MAKERS[self.template.given(name)["Type"]](self, name)
        return self.made[name]

    def table(self, name):
        wanted = self.template.properties(name)
        stream = {"StreamEnabled": True} | wanted["StreamSpecification"]
        keys = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
        client = self.client("dynamodb")
        call = {key: wanted[key] for key in keys}
        made = client.create_table(TableName="stack-table", StreamSpecification=stream, **call)["TableDescription"]
        client.get_waiter("table_exists").wait(TableName="stack-table", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
        client.update_time_to_live(TableName="stack-table", TimeToLiveSpecification=wanted["TimeToLiveSpecification"])
        return {"Ref": "stack-table", "Arn": made["TableArn"], "StreamArn": made["LatestStreamArn"]}

    def queue(self, name):
        wanted = self.template.properties(name)
        called = wanted.pop("QueueName")
        text = lambda value: json.dumps(value) if isinstance(value, (bool, dict)) else str(value)
        attributes = {key: text(value) for key, value in wanted.items()}
        client = self.client("sqs")
        url = client.create_queue(QueueName=called, Attributes=attributes)["QueueUrl"]
        arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return {"Ref": url, "Arn": arn, "QueueName": called}

    def bus(self, name):
        called = self.template.properties(name)["Name"]
        return {"Ref": called, "Arn": self.client("events").create_event_bus(Name=called)["EventBusArn"]}

    def secret(self, name):
        wanted = self.template.properties(name)["GenerateSecretString"]
        client = self.client("secretsmanager")
        length, plain = wanted["PasswordLength"], wanted["ExcludePunctuation"]
        made = client.get_random_password(PasswordLength=length, ExcludePunctuation=plain)["RandomPassword"]
        return {"Ref": client.create_secret(Name=f"stack-{name}", SecretString=made)["ARN"], "value": made}

    def log_group(self, name):
        called = self.template.properties(name)["LogGroupName"]
        self.client("logs").create_log_group(logGroupName=called)
        return {"Ref": called, "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{called}:*"}

    def api(self, name):
        cors = self.template.properties(name, "CorsConfiguration")["CorsConfiguration"]
        made = self.client("apigatewayv2").create_api(Name="stack", ProtocolType="HTTP", CorsConfiguration=cors)
        return {"Ref": made["ApiId"]}

    def package(self, name):
        """The function's executable, as a zip archive holds it; without symbols, where it can be freed of them."""
        binary = self.binaries / self.template.given(name)["Metadata"]["BuildProperties"]["Binary"]
        archive = io.BytesIO()
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, True, 1) as packed:
            bootstrap = Path(folder) / "bootstrap"
            shutil.copy(binary, bootstrap)
            if shutil.which("strip"):
                subprocess.run(["strip", bootstrap], check=True)
            packed.write(bootstrap, "bootstrap")
        return archive.getvalue()

    def function(self, name):
        keys = ("Runtime", "Handler", "MemorySize", "Timeout", "Architectures", "LoggingConfig")
        shared = self.template.resolve(self.template.text["Globals"]["Function"])
        wanted = shared | self.template.properties(name, *keys, "ReservedConcurrentExecutions", "Environment")
        own = wanted["Environment"]["Variables"]
        variables = shared["Environment"]["Variables"] | own | self.variables
        client = self.client("lambda")
        made = client.create_function(
            FunctionName=f"stack-{name}",
            Role=ROLE,
            Code={"ZipFile": self.packages[name]},
            Environment={"Variables": {key: self.secrets_of(str(value)) for key, value in variables.items()}},
            **{key: wanted[key] for key in keys},
        )
        if "ReservedConcurrentExecutions" in wanted:
            reserved = int(wanted["ReservedConcurrentExecutions"])
            client.put_function_concurrency(FunctionName=f"stack-{name}", ReservedConcurrentExecutions=reserved)
        return {"Ref": f"stack-{name}", "Arn": made["FunctionArn"]}

    def secrets_of(self, value):
        """The value with CloudFormation's dynamic references to secrets followed."""
        fetch = lambda match: self.client("secretsmanager").get_secret_value(SecretId=match[1])["SecretString"]
        return re.sub(r"\{\{resolve:secretsmanager:([^}]+)\}\}", fetch, value)

    def function_url(self, name):
        wanted = self.template.properties(name)
        call = dict(FunctionName=wanted["TargetFunctionArn"], AuthType=wanted["AuthType"])
        url = self.client("lambda").create_function_url_config(**call)["FunctionUrl"]
        return {"Ref": wanted["TargetFunctionArn"], "FunctionUrl": url}

    def route(self, function, _, wanted):
        client, api = self.client("apigatewayv2"), wanted["ApiId"]
        call = dict(ApiId=api, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0")
        made = self.made[function]
        if "integration" not in made:
            made["integration"] = client.create_integration(IntegrationUri=made["Arn"], **call)["IntegrationId"]
        key, target = f"{wanted['Method']} {wanted['Path']}", f"integrations/{made['integration']}"
        client.create_route(ApiId=api, RouteKey=key, Target=target)
        self.routes.append((wanted["Method"], wanted["Path"]))

    def poll(self, function, _, wanted):
        source = wanted.pop("Queue", None) or wanted.pop("Stream")
        # SAM's name for the destination of batches that fail says what it is, too.
        if destination := wanted.get("DestinationConfig"):
            destination["OnFailure"].pop("Type")
        if scaling := wanted.get("ScalingConfig"):
            scaling["MaximumConcurrency"] = int(scaling["MaximumConcurrency"])
        made = self.made[function]["Ref"]
        self.client("lambda").create_event_source_mapping(FunctionName=made, EventSourceArn=source, **wanted)

    def rule(self, function, event, wanted):
        client, called = self.client("events"), f"stack-{function}-{event}"
        client.put_rule(Name=called, ScheduleExpression=wanted["Schedule"])
        target = {"Id": function, "Arn": self.made[function]["Arn"], "RetryPolicy": wanted["RetryPolicy"]}
        client.put_targets(Rule=called, Targets=[target])

    MAKERS = {
        "AWS::DynamoDB::Table": table,
        "AWS::SQS::Queue": queue,
        "AWS::Events::EventBus": bus,
        "AWS::SecretsManager::Secret": secret,
        "AWS::Logs::LogGroup": log_group,
        "AWS::Serverless::HttpApi": api,
        "AWS::Serverless::Function": function,
        "AWS::Lambda::Url": function_url,
    }
    EVENTS = {"HttpApi": route, "SQS": poll, "DynamoDB": poll, "Schedule": rule}
