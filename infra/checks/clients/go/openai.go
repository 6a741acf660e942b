package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

var failed = false

// check prints what was tried: `ok WHAT`, or `failed WHAT: WHY`.
func check(what string, try func() error) {
	if err := try(); err != nil {
		failed = true
		why := strings.ReplaceAll(err.Error(), "\n", " ")
		fmt.Printf("failed  %s: %.300s\n", what, why)
		return
	}
	fmt.Printf("ok  %s\n", what)
}

func must(is bool, what string) error {
	if is {
		return nil
	}
	return errors.New("no " + what)
}

func main() {
	ctx := context.Background()
	base := os.Getenv("PENSTOCK_EDGE") + "/v1"
	client := openai.NewClient(option.WithBaseURL(base), option.WithAPIKey(os.Getenv("PENSTOCK_KEY")))
	chat := openai.ChatCompletionNewParams{
		Model:     "chat",
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Tell me of rivers.")},
		MaxTokens: param.NewOpt(int64(8)),
	}
	asked := responses.ResponseNewParams{
		Model:           "chat",
		Input:           responses.ResponseNewParamsInputUnion{OfString: param.NewOpt("Hello")},
		MaxOutputTokens: param.NewOpt(int64(100)),
	}

	check("chat", func() error {
		answer, err := client.Chat.Completions.New(ctx, chat)
		if err != nil {
			return err
		}
		return must(answer.Choices[0].Message.Content != "" && answer.Usage.CompletionTokens > 0, "content")
	})
	check("chat stream", func() error {
		stream := client.Chat.Completions.NewStreaming(ctx, chat)
		text := ""
		for stream.Next() {
			if choices := stream.Current().Choices; len(choices) > 0 {
				text += choices[0].Delta.Content
			}
		}
		if stream.Err() != nil {
			return stream.Err()
		}
		return must(text != "", "text")
	})
	check("responses", func() error {
		answer, err := client.Responses.New(ctx, asked)
		if err != nil {
			return err
		}
		return must(answer.OutputText() != "" && answer.Usage.OutputTokens > 0, "output")
	})
	check("responses stream", func() error {
		stream := client.Responses.NewStreaming(ctx, asked)
		text, last := "", ""
		for stream.Next() {
			event := stream.Current()
			last = event.Type
			if event.Type == "response.output_text.delta" {
				text += event.Delta
			}
		}
		if stream.Err() != nil {
			return stream.Err()
		}
		return must(text != "" && (last == "response.completed" || last == "response.incomplete"), "end, but "+last)
	})
	check("responses tools", func() error {
		schema := map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}}
		tooled := asked
		tooled.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", schema, false)}
		tooled.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{
			OfToolChoiceMode: param.NewOpt(responses.ToolChoiceOptionsRequired),
		}
		answer, err := client.Responses.New(ctx, tooled)
		if err != nil {
			return err
		}
		for _, item := range answer.Output {
			if item.Type == "function_call" && json.Valid([]byte(item.AsFunctionCall().Arguments)) {
				return nil
			}
		}
		return errors.New("no call")
	})
	check("an error is the SDK's own, with its status and code", func() error {
		wrong := asked
		wrong.Model = shared.ResponsesModel("none")
		_, err := client.Responses.New(ctx, wrong)
		var refused *openai.Error
		if !errors.As(err, &refused) {
			return fmt.Errorf("not refused: %v", err)
		}
		return must(refused.StatusCode == 404 && refused.Code == "model_not_found", "404")
	})
	if failed {
		os.Exit(1)
	}
}
